import { AsyncResource } from 'node:async_hooks';
import type { LockRequest } from '../api/lock-options.js';
import { asItIs, type Reception } from '../api/reception.js';
import type { Clock, Timer } from '../time/clock.js';
import { listenForAbort } from './abort-listener.js';
import type { Linked } from './linked-list.js';

/** Who keeps the waiters. */
export interface WaiterOwner<T> {
  /**
   * Called once when a wait ends by itself; must take the waiter out of its list and reject it:
   * after `wait` without a reason, after an abort with `signal.reason` in a box.
   */
  left(waiter: Waiter<T>, aborted?: { readonly reason: unknown }): void;
  /** Whether anybody listens, as this call begins to wait, for its having waited in vain. */
  tells(request: LockRequest): boolean;
}

/** One waiting call. Owns its abort listener, and removes it when it settles; its list ends it in time. */
export class Waiter<T> implements Linked<Waiter<T>> {
  before: Waiter<T> | undefined;
  after: Waiter<T> | undefined;
  listed = false;
  /** Of what its reception makes. */
  readonly promise: Promise<unknown>;
  /** When its time is over. */
  readonly endsAt: number;
  /** What ends it in time; only its list writes these two. */
  timer: Timer | undefined;
  sharesTimer = false;
  /** Whether the caller's `waiting` event is out. */
  announced = false;
  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;
  /** The async context of the call, for those that are told as its wait ends; unset when nobody listened as it began. */
  readonly #context: AsyncResource | undefined;
  #stopListening: (() => void) | undefined;

  /** @param bound Longest wait, in milliseconds. */
  constructor(
    readonly request: LockRequest,
    private readonly clock: Clock,
    readonly bound: number,
    private readonly owner: WaiterOwner<T>,
    /** Whether the call is made inside a held section. */
    readonly isInside = false,
    readonly startedAt = clock.now(),
    private readonly to: Reception<T, unknown> = asItIs(),
  ) {
    this.endsAt = startedAt + bound;
    // An AsyncResource costs 7 % of a hand-over inside the process.
    if (owner.tells(request)) this.#context = new AsyncResource('LOCK_WAITER');
    this.promise = new Promise<unknown>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { signal } = request;
    if (signal === undefined) return;
    this.#stopListening = listenForAbort(signal, () => owner.left(this, { reason: signal.reason }));
  }

  /** Whether it takes one try only. */
  get once(): boolean {
    return this.request.wait === 0;
  }

  get waitedMs(): number {
    return this.clock.now() - this.startedAt;
  }

  /** Its time is over. */
  expire(): void {
    if (this.#context === undefined) this.owner.left(this);
    else this.#context.runInAsyncScope(() => this.owner.left(this));
  }

  resolve(value: T): void {
    this.#settle();
    this.#resolve(this.to.got(value));
  }

  reject(reason: unknown): void {
    this.#settle();
    this.#reject(this.to.failed(reason));
  }

  #settle(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}
