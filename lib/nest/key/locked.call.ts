import type { ExecutionContext } from '@nestjs/common';
import type { LockedCall } from './locked.options.js';
import type { TemplatePart } from './parser.js';
import { followPath } from './part-value.js';

/**
 * A call that Nest routed to a handler, as templates and key functions see it. Parts are read when
 * they are asked for: to read all of a request (`ip`, `query`) costs more than the lock.
 */
export class HandlerCall implements LockedCall {
  #kept: Map<TemplatePart, unknown> | undefined;
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

  /** Keeps what stands at the parts of a template, whatever pipes and interceptors make of the request. */
  keep(parts: readonly TemplatePart[]): void {
    for (const part of parts) {
      if (!(part.root in this)) continue;
      this.#kept ??= new Map();
      this.#kept.set(part, followPath(this.#at(part.root), part.path));
    }
  }

  /** Keeps whole roots of parts, for a function that may ask for anything in them: not what is inside. */
  keepRoots(roots: readonly string[]): void {
    for (const root of roots) {
      if (root in this) Object.defineProperty(this, root, { value: this.#at(root) });
    }
  }

  /** The same with properties of its own, for a function that takes it apart: `({ context, ...rest }) => …`. */
  opened(parts: readonly string[]): LockedCall {
    const view = {};
    for (const name of ['args', 'method', 'context', 'target', ...parts]) {
      const enumerable = name !== 'target';
      if (name in this)
        Object.defineProperty(view, name, { enumerable, get: () => this.#at(name) });
    }
    return view as LockedCall;
  }

  /** Whether {@link keep} has kept the part. */
  keeps(part: TemplatePart): boolean {
    return this.#kept?.has(part) === true;
  }

  /** What was kept of a part. */
  kept(part: TemplatePart): unknown {
    return this.#kept?.get(part);
  }

  #at(root: string): unknown {
    return this[root as keyof this];
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
