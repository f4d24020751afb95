import { AsyncLocalStorage } from 'node:async_hooks';
import { type ExecutionContext, HttpException } from '@nestjs/common';
import { isObservable } from 'rxjs';
import type { Lock } from '../../engine/api/lock.js';
import type { LockedEntry } from '../locked/entry.js';
import type { LockedPlan } from '../locked/plan.js';
import { type HeldResult, holdResult, type Released } from '../result/held-result.js';
import { ClientDeparture } from './client-departure.js';
import type { HandlerFacts } from './handler-facts.js';
import { onClientGone, responseOf } from './http-response.js';
import { OpenWork } from './open-work.js';
import { holdRouted } from './routed-result.js';

/** The mark by which an interceptor tells a method that this call of it was routed. */
const marks = new AsyncLocalStorage<RoutedCall | undefined>();

/** The route of the running call; `undefined` when none leads to this plan's method. */
export function routeTo(plan: LockedPlan): RoutedCall | undefined {
  const route = marks.getStore();
  return route?.entry.plan === plan && !route.over ? route : undefined;
}

/** Runs the body of a method: what it calls was not routed, not even the same method. */
export function outsideRoutes<T>(body: () => T): T {
  return marks.run(undefined, body);
}

/**
 * One call that Nest routes to a `@Locked` handler, as interceptor and method share it. The
 * interceptor takes the lock; with a positional key the method does.
 */
export class RoutedCall {
  readonly entry: LockedEntry;
  /** The lock, once the interceptor has it. */
  lock: Lock | undefined;
  /** When that lock is released. */
  released: Promise<unknown> = Promise.resolve();
  /** Whether values are handed on as they come; else nobody gets one before the release. */
  streams: boolean;
  /** What goes on after the chain has ended. */
  readonly tail = new OpenWork();
  readonly #departure = new ClientDeparture();
  #over = false;
  #close = (): void => {};
  #closed: Promise<void> | undefined;

  /** @param answerEmpty Ends the response of a handler that answers by itself and did not run. */
  constructor(
    readonly context: ExecutionContext,
    private readonly facts: HandlerFacts,
    { plan, service, call }: Omit<LockedEntry, 'signal' | 'args'>,
    readonly answerEmpty: () => void,
  ) {
    this.entry = { plan, service, call, args: [], signal: this.#departure };
    const isHttp = context.getType() === 'http';
    this.streams = isHttp && facts.sendsEvents;
    if (isHttp) onClientGone(responseOf(context), () => this.leave());
  }

  /** Whether the chain has ended: calls of the method from now on are not part of it. */
  get over(): boolean {
    return this.#over;
  }

  /** Runs the rest of the chain, in which the method finds this route. */
  lead<T>(chain: () => T): T {
    return marks.run(this, chain);
  }

  /** Runs the body of the method under the lock that the interceptor took. */
  async run(body: (lock: Lock) => unknown, lock: Lock): Promise<unknown> {
    const end = this.tail.begin();
    try {
      return this.keep(await body(lock), lock);
    } finally {
      end();
    }
  }

  /** Keeps that lock until `value`, which the body returned, has ended. */
  keep(value: unknown, lock: Lock): unknown {
    if (isObservable(value)) this.streams = true;
    const { context } = this;
    const held = holdRouted(context, this.facts, value, lock, () => this.released);
    if (held === undefined) return value;
    void held.ended.then(this.tail.begin());
    return held.value;
  }

  /** Takes hold of what the method returned, which took the lock by itself. */
  hold(value: unknown, lock: Lock, released: Released): HeldResult | undefined {
    if (!isObservable(value)) {
      return holdRouted(this.context, this.facts, value, lock, released);
    }
    const held = holdResult(value, lock, released);
    // Nest never subscribes when the client has left meanwhile.
    return held && { ...held, ended: Promise.race([held.ended, this.#end]) };
  }

  /** The caller has left: it waits no more. What runs already goes on. */
  leave(): void {
    this.#departure.leave(new HttpException('The client has left.', 499));
  }

  /** The chain has ended. */
  close(): void {
    this.#over = true;
    this.#close();
  }

  /** Resolves when the chain has ended. */
  get #end(): Promise<void> {
    if (this.#over) return Promise.resolve();
    return (this.#closed ??= new Promise((resolve) => (this.#close = resolve)));
  }
}
