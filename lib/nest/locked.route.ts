import { AsyncLocalStorage } from 'node:async_hooks';
import { HttpException } from '@nestjs/common';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { isObservable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import type { Lock } from '../engine/lock.js';
import { HeldObservable } from './held-observable.js';
import type { HeldResult, Released } from './held-result.js';
import { onClientGone, responseEnd, responseOf } from './http-response.js';
import { enter } from './locked.entry.js';
import type { LockedEntry } from './locked.entry.js';
import type { LockedPlan } from './locked.plan.js';
import { goesOnInResponse, holdRouted } from './routed-result.js';
import { Tail } from './tail.js';

/** The mark by which an interceptor tells a method that this call of it was routed. */
const marks = new AsyncLocalStorage<LockedRoute | undefined>();

/** The route of the running call; `undefined` when none leads to this plan's method. */
export function routeTo(plan: LockedPlan): LockedRoute | undefined {
  const route = marks.getStore();
  return route?.entry.plan === plan && !route.over ? route : undefined;
}

/** Runs the body of a method: what it calls was not routed, not even the same method. */
export function outsideRoutes<T>(body: () => T): T {
  return marks.run(undefined, body);
}

/**
 * One call that Nest routes to a `@Locked` handler: takes the lock, and runs the rest of the chain
 * under it. With a positional key the method itself takes the lock; the route tells it how.
 */
export class LockedRoute {
  readonly entry: LockedEntry;
  readonly #context: ExecutionContext;
  readonly #away = new AbortController();
  readonly #tail = new Tail();
  /** Values of a handler that ends with its promise: nobody gets them before the lock is released. */
  readonly #values: unknown[] = [];
  #streams = false;
  #lock: Lock | undefined;
  #released: Promise<unknown> = Promise.resolve();
  #close = (): void => {};
  readonly #closed = new Promise<void>((resolve) => (this.#close = resolve));
  #over = false;

  /** @param answerEmpty Ends the response of a handler that answers by itself and did not run. */
  constructor(
    context: ExecutionContext,
    entry: Omit<LockedEntry, 'signal' | 'args'>,
    readonly answerEmpty: () => void,
  ) {
    this.#context = context;
    this.entry = { ...entry, args: [], signal: this.#away.signal };
    if (context.getType() === 'http') onClientGone(responseOf(context), () => this.#leave());
  }

  /** The lock, when the route took it. */
  get lock(): Lock | undefined {
    return this.#lock;
  }

  /** Whether the chain has ended: what it held protects nobody any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Waits for the lock and runs the chain; resolves with `SKIPPED` when it did not run. */
  async take(next: CallHandler, subscriber: Subscriber<unknown>): Promise<unknown> {
    subscriber.add(() => {
      if (this.#lock === undefined) this.#leave();
    });
    const released = enter(this.entry, (lock) => this.#hold(lock, next, subscriber));
    this.#released = released;
    const result = await released;
    for (const value of this.#values.splice(0)) subscriber.next(value);
    return result;
  }

  /** Runs the chain, whose method takes the lock by itself. */
  passOn(next: CallHandler, subscriber: Subscriber<unknown>): void {
    let ended = false;
    const end = (tell: () => void): void => {
      ended = true;
      tell();
    };
    const inner = marks.run(this, () =>
      next.handle().subscribe({
        next: (value) => subscriber.next(value),
        error: (error) => end(() => subscriber.error(error)),
        complete: () => end(() => subscriber.complete()),
      }),
    );
    subscriber.add(() => {
      if (!ended) this.#leave();
      inner.unsubscribe();
      this.#finish();
    });
  }

  /** Runs the body of the method under the lock that the route took. */
  async run(body: (lock: Lock) => unknown, lock: Lock): Promise<unknown> {
    const end = this.#tail.begin();
    try {
      return this.keep(await body(lock), lock);
    } finally {
      end();
    }
  }

  /** Keeps the route's lock until `value`, which the body returned, has ended. */
  keep(value: unknown, lock: Lock): unknown {
    if (isObservable(value)) this.#streams = true;
    const held = holdRouted(this.#context, value, lock, () => this.#released);
    if (held === undefined) return value;
    const end = this.#tail.begin();
    held.ended.then(end, end);
    return held.value;
  }

  /** Takes hold of what a method returned that took the lock by itself. */
  hold(value: unknown, lock: Lock, released: Released): HeldResult | undefined {
    if (!isObservable(value)) return holdRouted(this.#context, value, lock, released);
    // Nest never subscribes when the client has left meanwhile.
    const observable = new HeldObservable(value, lock, released);
    return { value: observable, ended: Promise.race([observable.ended, this.#closed]) };
  }

  /** Resolves when the chain has ended, and with it all that it left behind. */
  #hold(lock: Lock, next: CallHandler, subscriber: Subscriber<unknown>): Promise<unknown> {
    this.#lock = lock;
    return new Promise((resolve, reject) => {
      const end = (tell: () => void, settle: () => void): void => {
        this.#finish();
        if (!this.#tail.busy) return settle();
        // Bodies go on without their caller, streams in the response: it can't wait for the release.
        tell();
        void this.#tail.ended().then(settle);
      };
      const inner = marks.run(this, () =>
        next.handle().subscribe({
          next: (value) => this.#pass(value, subscriber),
          error: (error) =>
            end(
              () => subscriber.error(error),
              () => reject(error),
            ),
          complete: () =>
            end(
              () => this.#complete(subscriber),
              () => resolve(this.#values.at(-1)),
            ),
        }),
      );
      subscriber.add(() => {
        inner.unsubscribe();
        end(
          () => {},
          () => resolve(undefined),
        );
      });
    });
  }

  #pass(value: unknown, subscriber: Subscriber<unknown>): void {
    if (this.#streams) return subscriber.next(value);
    this.#values.push(value);
    // An interceptor inside may have made a stream of a plain result.
    if (goesOnInResponse(this.#context, value) && !this.#tail.busy) {
      void responseEnd(responseOf(this.#context)).then(this.#tail.begin());
    }
  }

  #complete(subscriber: Subscriber<unknown>): void {
    for (const value of this.#values) subscriber.next(value);
    subscriber.complete();
  }

  #finish(): void {
    this.#over = true;
    this.#close();
  }

  #leave(): void {
    this.#away.abort(new HttpException('The client has left.', 499));
  }
}
