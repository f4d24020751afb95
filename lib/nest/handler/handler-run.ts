import type { CallHandler } from '@nestjs/common';
import type { Observer, Subscriber, Subscription } from 'rxjs';
import type { Lock } from '../../engine/api/lock.js';
import { enter } from '../locked/entry.js';
import { responseEnd, responseOf } from './http-response.js';
import type { RoutedCall } from './routed-call.js';
import { goesOnInResponse } from './routed-result.js';

/** Runs the rest of a handler's chain (interceptors inside, pipes, the method) for one subscriber. */
export class HandlerRun {
  /** What came of the chain and waits for the release. */
  readonly #values: unknown[] = [];
  #last: unknown;

  constructor(
    private readonly route: RoutedCall,
    private readonly next: CallHandler,
    private readonly subscriber: Subscriber<unknown>,
  ) {}

  /** Runs the chain, whose method takes the lock by itself. */
  passOn(): void {
    const { route, subscriber } = this;
    let ended = false;
    const inner = this.#subscribe({
      next: (value) => subscriber.next(value),
      error: (reason) => {
        ended = true;
        subscriber.error(reason);
      },
      complete: () => {
        ended = true;
        subscriber.complete();
      },
    });
    subscriber.add(() => {
      if (!ended) route.leave();
      inner.unsubscribe();
      route.close();
    });
  }

  /** Waits for the lock and runs the chain under it; resolves with `SKIPPED` when it did not run. */
  async underLock(): Promise<unknown> {
    const { route, subscriber } = this;
    subscriber.add(() => {
      if (route.lock === undefined) route.leave();
    });
    const released = enter(route.entry, (lock) => this.#hold(lock));
    route.released = released;
    const result = await released;
    this.#flush();
    return result;
  }

  /** Resolves when the chain has ended, and with it all that it left behind. */
  #hold(lock: Lock): Promise<unknown> {
    const { route, subscriber } = this;
    route.lock = lock;
    return new Promise((resolve, reject) => {
      const fail = (reason: unknown): void => {
        this.#end(
          () => subscriber.error(reason),
          () => reject(reason),
        );
      };
      const succeed = (): void => {
        this.#end(
          () => this.#complete(),
          () => resolve(this.#last),
        );
      };
      const inner = this.#subscribe({
        next: (value) => this.#pass(value),
        error: fail,
        complete: succeed,
      });
      subscriber.add(() => {
        inner.unsubscribe();
        succeed();
      });
    });
  }

  #subscribe(observer: Observer<unknown>): Subscription {
    return this.route.lead(() => this.next.handle().subscribe(observer));
  }

  /** Bodies that go on without their caller, and streams in the response, can't wait for the release. */
  #end(tell: () => void, settle: () => void): void {
    const { route } = this;
    route.close();
    if (!route.tail.busy) return settle();
    tell();
    void route.tail.ended().then(settle);
    return undefined;
  }

  #pass(value: unknown): void {
    const { context, streams, tail } = this.route;
    this.#last = value;
    this.#values.push(value);
    if (streams) this.#flush();
    // An interceptor inside may have made a stream of a plain result.
    else if (goesOnInResponse(context, value) && !tail.busy) {
      void responseEnd(responseOf(context)).then(tail.begin());
    }
  }

  #flush(): void {
    for (const value of this.#values.splice(0)) this.subscriber.next(value);
  }

  #complete(): void {
    this.#flush();
    this.subscriber.complete();
  }
}
