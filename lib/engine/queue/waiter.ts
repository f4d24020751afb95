import type { LockRequest } from '../api/lock-options.js';
import type { Clock } from '../time/clock.js';
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

/** One waiting call. Owns its abort listener, and removes it when it settles. */
export class Waiter<T> implements Linked<Waiter<T>> {
  before: Waiter<T> | undefined;
  after: Waiter<T> | undefined;
  listed = false;
  readonly promise: Promise<T>;
  /** Whether the caller's `waiting` event is out. */
  announced = false;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #stopListening: (() => void) | undefined;

  /** When the wait ends by itself. */
  readonly endsAt: number;

  /** @param bound Longest wait, in milliseconds. */
  constructor(
    readonly request: LockRequest,
    private readonly clock: Clock,
    bound: number,
    private readonly owner: WaiterOwner<T>,
    /** Whether the call is made inside a held section. */
    readonly isInside = false,
    readonly startedAt = clock.now(),
  ) {
    this.endsAt = startedAt + bound;
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { signal } = request;
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

  /** It has lasted long enough. */
  end(): void {
    this.owner.left(this);
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
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}
