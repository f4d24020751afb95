import type { AsyncResource } from 'node:async_hooks';
import type { CallHandler } from '@nestjs/common';
import type { Observer, Subscriber, Subscription } from 'rxjs';
import type { Lock } from '../../engine/api/lock.js';
import { enter, type Section, SKIPPED } from '../locked/entry.js';
import { laterWork } from './later-work.js';
import { lead } from './lead.js';
import type { RoutedCall } from './routed-call.js';

/** How the promise settles that the engine holds the lock for. */
interface Holding {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Runs the rest of a handler's chain (interceptors inside, pipes, the method) for one subscriber. */
export class HandlerRun {
  /** What came of the chain and waits for the release. */
  #values: unknown[] = [];
  #last: unknown;
  #chain: Subscription | undefined;
  #holding: Holding | undefined;
  #ended = false;

  /**
   * @param scope The context of the interceptors outside.
   * @param fail Tells the subscriber of an error.
   */
  constructor(
    private readonly route: RoutedCall,
    private readonly rest: CallHandler,
    private readonly subscriber: Subscriber<unknown>,
    private readonly scope: AsyncResource,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** Waits for the lock and runs the chain under it. */
  underLock(): void {
    const released = enter(this.route.entry, this.#hold);
    this.route.released = released;
    released.then(this.#released, this.#failed);
  }

  /** Runs the chain, whose method takes the lock by itself. */
  passOn(): void {
    const { route, subscriber } = this;
    route.plan.key.keepParts(route.call);
    this.#follow({
      next: (value) => subscriber.next(value),
      error: (reason) => {
        this.#ended = true;
        this.fail(reason);
      },
      complete: () => {
        this.#ended = true;
        subscriber.complete();
      },
    });
  }

  /** The subscriber has gone, or was told of the end. What waits leaves, what runs goes on. */
  stop(): void {
    const { route } = this;
    if (!this.#ended && this.#holding === undefined) route.departure.leave();
    this.#chain?.unsubscribe();
    if (this.#holding === undefined) route.close();
    else this.#end();
  }

  /** Resolves when the chain has ended, and with it all that it left behind. */
  readonly #hold = (lock: Lock, section: Section): Promise<unknown> => {
    this.route.hold(lock, section);
    return new Promise((resolve, reject) => {
      this.#holding = { resolve, reject };
      this.#follow({
        next: (value) => this.#pass(value, lock),
        error: (reason) => this.#end({ reason }),
        complete: () => this.#end(),
      });
    });
  };

  #follow(observer: Observer<unknown>): void {
    this.#chain = lead(this.route, this.rest).subscribe(observer);
  }

  /** Bodies that go on without their caller, and streams in the response, can't wait for the release. */
  #end(failure?: { readonly reason: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    const { route, scope } = this;
    route.close();
    if (route.tail.busy) {
      scope.runInAsyncScope(() => (failure ? this.fail(failure.reason) : this.#complete()));
      // What goes on ends when everybody has dropped it: nothing here keeps it.
      this.#last = undefined;
    }
    route.tail.whenEnded(() => {
      if (failure === undefined) this.#holding?.resolve(this.#last);
      else this.#holding?.reject(failure.reason);
    });
  }

  #pass(value: unknown, lock: Lock): void {
    const { route } = this;
    const reason = laterWork(route, value);
    if (reason !== undefined) return this.#end({ reason });
    this.#last = route.keepEmitted(value, lock);
    this.#values.push(this.#last);
    if (route.streams) this.#stream();
  }

  /** Over RPC the last value goes with the end: Nest 10 forgets an end that comes a moment later. */
  #stream(): void {
    const flush = (): void => this.scope.runInAsyncScope(() => this.#flush());
    if (this.route.transport !== 'rpc') flush();
    else queueMicrotask(() => this.#ended || flush());
  }

  readonly #released = (result: unknown): void => {
    if (result === SKIPPED) {
      const empty = this.route.answerEmpty();
      if (!this.route.streams) this.subscriber.next(empty);
    }
    this.#complete();
  };

  readonly #failed = (error: unknown): void => {
    const { route, subscriber } = this;
    if (route.call.lacksTarget && !subscriber.closed) return this.passOn();
    if (route.streams) this.#flush();
    this.fail(error);
  };

  #complete(): void {
    this.#flush();
    this.subscriber.complete();
  }

  #flush(): void {
    const values = this.#values;
    this.#values = [];
    for (const value of values) this.subscriber.next(value);
  }
}
