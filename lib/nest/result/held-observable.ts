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

  /** @param end Called when no subscription is left, and awaited before the last one is told. */
  constructor(
    private readonly held: Observable<unknown>,
    private readonly lock: Lock,
    private readonly end: () => Promise<unknown>,
  ) {
    super((subscriber) => this.#follow(subscriber));
  }

  #follow(subscriber: Subscriber<unknown>): () => void {
    // Where the lock is gone nothing may run: whoever subscribes so late must call again.
    this.lock.assertHeld();
    this.#subscriptions += 1;
    let left: Promise<void> | undefined;
    const leave = (): Promise<void> => (left ??= this.#leave());
    const fail = (reason: unknown): void => subscriber.error(reason);
    const inner = this.#scope.runInAsyncScope(() =>
      this.held.subscribe({
        next: (value) => subscriber.next(value),
        error: (reason) => {
          const tell = (): void => fail(reason);
          void leave().then(tell, tell);
        },
        complete: () => void leave().then(() => subscriber.complete(), fail),
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
