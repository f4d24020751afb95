import type { LockRequest } from '../api/lock-options.js';
import type { Clock, Timer } from '../time/clock.js';
import { listenForAbort } from './abort-listener.js';
import type { Linked } from './linked-list.js';

/** Who keeps the waiters. */
export interface WaiterOwner<T> {
  /**
   * Called once when a wait ends by itself; must take the waiter out of its queue and reject it:
   * after `wait` without a reason, after an abort with `signal.reason` in a box.
   */
  left(waiter: Waiter<T>, aborted?: { readonly reason: unknown }): void;
}

/**
 * One waiting call. Owns its timer and its abort listener, and removes both when it settles. A timer that waiters
 * shared would end one of them in the async context of another.
 */
export class Waiter<T> implements Linked<Waiter<T>> {
  before: Waiter<T> | undefined;
  after: Waiter<T> | undefined;
  listed = false;
  readonly promise: Promise<T>;
  /** Whether the caller's `waiting` event is out. */
  announced = false;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  readonly #timer: Timer | undefined;
  #stopListening: (() => void) | undefined;

  /** @param bound Longest wait, in milliseconds. */
  constructor(
    readonly request: LockRequest,
    private readonly clock: Clock,
    bound: number,
    owner: WaiterOwner<T>,
    /** Whether the call is made inside a held section. */
    readonly isInside = false,
    readonly startedAt = clock.now(),
  ) {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { signal } = request;
    if (bound !== Infinity) this.#timer = clock.after(bound, () => owner.left(this));
    if (signal !== undefined) {
      this.#stopListening = listenForAbort(signal, () =>
        owner.left(this, { reason: signal.reason }),
      );
    }
  }

  /** Whether it takes one try only. */
  get once(): boolean {
    return this.request.wait === 0;
  }

  get waitedMs(): number {
    return this.clock.now() - this.startedAt;
  }

  resolve(value: T): void {
    this.#settle();
    this.#resolve(value);
  }

  reject(reason: unknown): void {
    this.#settle();
    this.#reject(reason);
  }

  #settle(): void {
    this.clock.cancel(this.#timer);
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}
