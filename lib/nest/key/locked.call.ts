import type { ExecutionContext } from '@nestjs/common';
import type { LockedCall } from './locked.options.js';

/**
 * A call that Nest routed to a handler, as templates and key functions see it. Parts are read when
 * they are asked for: to read all of a request (`ip`, `query`) costs more than the lock.
 */
export class HandlerCall implements LockedCall {
  #target: object | undefined;
  #targetAsked = false;

  constructor(
    readonly context: ExecutionContext,
    readonly method: string,
  ) {}

  get args(): readonly unknown[] {
    return this.context.getArgs();
  }

  /** Known once the method has been called: an execution context names its class only. */
  get target(): object {
    if (this.#target !== undefined) return this.#target;
    this.#targetAsked = true;
    throw new Error(`The instance of ${this.method} is not known before its method is called.`);
  }

  /** Whether a key function asked for the instance, and the method has not been called yet. */
  get lacksTarget(): boolean {
    return this.#targetAsked && this.#target === undefined;
  }

  /** The method has been called on this instance. */
  reach(target: object): void {
    this.#target = target;
  }

  /** Keeps parts as they are, whatever pipes and interceptors make of the request afterwards. */
  keep(parts: Iterable<keyof LockedCall>): void {
    for (const part of parts) {
      if (part in this) Object.defineProperty(this, part, { value: (this as LockedCall)[part] });
    }
  }
}

class HttpCall extends HandlerCall {
  get params(): unknown {
    return this.#request.params;
  }

  get query(): unknown {
    return this.#request.query;
  }

  get body(): unknown {
    return this.#request.body;
  }

  get headers(): unknown {
    return this.#request.headers;
  }

  get user(): unknown {
    return this.#request.user;
  }

  get ip(): string | undefined {
    return this.#request.ip;
  }

  get #request(): Partial<LockedCall> {
    return this.context.getArgByIndex(0);
  }
}

class MessageCall extends HandlerCall {
  get data(): unknown {
    return this.context.getType() === 'ws'
      ? this.context.switchToWs().getData()
      : this.context.switchToRpc().getData();
  }
}

class GraphqlCall extends HandlerCall {
  get gql(): Record<string, unknown> {
    return this.context.getArgByIndex(1);
  }
}

const CALLS: Readonly<Record<string, typeof HandlerCall>> = {
  http: HttpCall,
  rpc: MessageCall,
  ws: MessageCall,
  graphql: GraphqlCall,
};

/** @param transport As `transportOf` tells it. */
export function handlerCall(
  context: ExecutionContext,
  method: string,
  transport: string,
): HandlerCall {
  return new (CALLS[transport] ?? HandlerCall)(context, method);
}
