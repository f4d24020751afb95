import { LockTimeoutError } from '../api/errors.js';
import type { LockRequest } from '../api/lock-options.js';
import { LinkedList } from '../queue/linked-list.js';
import { Waiter, type WaiterOwner } from '../queue/waiter.js';
import type { Clock } from '../time/clock.js';

/**
 * Lets calls that re-enter one held lock take turns, in call order. Each holder has its own:
 * a nested call waits for its siblings, never for its parent.
 */
export class ReentryQueue implements WaiterOwner<void> {
  readonly #waiting = new LinkedList<Waiter<void>>();
  readonly #idle: (() => void)[] = [];
  #taken = false;

  constructor(
    private readonly key: string,
    private readonly clock: Clock,
  ) {}

  /** Resolves when it is the caller's turn; rejects after `wait` or when aborted. */
  async take(request: LockRequest): Promise<void> {
    request.signal?.throwIfAborted();
    if (!this.#taken) {
      this.#taken = true;
      return;
    }
    if (request.wait === 0) throw new LockTimeoutError([this.key], this.key, 0);
    const waiter = new Waiter<void>(request, this.clock, request.wait, this);
    this.#waiting.add(waiter);
    await waiter.promise;
  }

  /** Ends a turn. */
  endTurn(): void {
    const next = this.#waiting.first;
    if (next !== undefined) {
      this.#waiting.delete(next);
      next.resolve();
      return;
    }
    this.#taken = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  left(waiter: Waiter<void>, aborted?: { readonly reason: unknown }): void {
    this.#waiting.delete(waiter);
    const { key } = this;
    waiter.reject(aborted ? aborted.reason : new LockTimeoutError([key], key, waiter.waitedMs));
  }

  get busy(): boolean {
    return this.#taken;
  }

  /** Resolves at the end of the last turn; by then another may have begun: look at {@link busy} again. */
  idle(): Promise<void> {
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}
