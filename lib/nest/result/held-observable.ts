import { AsyncResource } from 'node:async_hooks';
import { Observable, type Subscriber } from 'rxjs';
import type { Lock } from '../../engine/api/lock.js';

/**
 * An Observable whose lock is held from now until no subscription is left; the first one must come.
 * Its source runs in the context that it was made in, where the lock is held.
 */
export class HeldObservable extends Observable<unknown> {
  readonly #scope = new AsyncResource('HeldObservable');
  #subscriptions = 0;

  /**
   * @param end Called when no subscription is left, and awaited before the last one is told.
   * @param lastWithEnd A value that comes in the same tick as the end is told with it: RPC in Nest 10
   * forgets an end that comes a moment later.
   */
  constructor(
    private readonly held: Observable<unknown>,
    private readonly lock: Lock,
    private readonly end: () => Promise<unknown>,
    private readonly lastWithEnd = false,
  ) {
    super((subscriber) => this.#follow(subscriber));
  }

  #follow(subscriber: Subscriber<unknown>): () => void {
    // Where the lock is gone nothing may run: whoever subscribes so late must call again.
    this.lock.assertHeld();
    this.#subscriptions += 1;
    let left: Promise<void> | undefined;
    const leave = (): Promise<void> => (left ??= this.#leave());
    let pending: unknown[] = [];
    const flush = (): void => {
      const values = pending;
      pending = [];
      for (const value of values) subscriber.next(value);
    };
    const tell = (value: unknown): void => {
      pending.push(value);
      const flushUnlessEnded = (): void => void (left === undefined && flush());
      if (this.lastWithEnd) queueMicrotask(flushUnlessEnded);
      else flush();
    };
    const fail = (reason: unknown): void => {
      flush();
      subscriber.error(reason);
    };
    const complete = (): void => {
      flush();
      subscriber.complete();
    };
    const inner = this.#scope.runInAsyncScope(() =>
      this.held.subscribe({
        next: tell,
        error: (reason) => {
          const failed = (): void => fail(reason);
          void leave().then(failed, failed);
        },
        complete: () => void leave().then(complete, fail),
      }),
    );
    return () => {
      inner.unsubscribe();
      leave().catch(() => {});
    };
  }

  async #leave(): Promise<void> {
    this.#subscriptions -= 1;
    if (this.#subscriptions === 0) await this.end();
  }
}
