import type { Clock, Timer } from '../time/clock.js';
import { LinkedList } from './linked-list.js';
import type { Waiter } from './waiter.js';

/**
 * Waiters in the order in which they came. One timer ends them when they have waited long enough: most get
 * what they wait for long before, and a timer for each would cost more than the rest of their wait.
 */
export class WaiterList<T> extends LinkedList<Waiter<T>> {
  #timer: Timer | undefined;
  /** For when the timer is set: no wait ends before. */
  #endsAt = Infinity;

  constructor(private readonly clock: Clock) {
    super();
  }

  override add(waiter: Waiter<T>): void {
    super.add(waiter);
    this.#endInTime(waiter);
  }

  override delete(waiter: Waiter<T>): boolean {
    const wasIn = super.delete(waiter);
    if (this.size === 0) this.#disarm();
    return wasIn;
  }

  #endInTime({ endsAt }: Waiter<T>): void {
    if (endsAt >= this.#endsAt) return;
    this.#disarm();
    this.#endsAt = endsAt;
    this.#timer = this.clock.after(endsAt - this.clock.now(), () => this.#endThoseOver());
  }

  #endThoseOver(): void {
    const now = this.#endsAt;
    this.#disarm();
    for (const waiter of this) {
      // The end of one may be the end of others.
      if (!waiter.listed) continue;
      if (waiter.endsAt <= now) waiter.end();
      else this.#endInTime(waiter);
    }
  }

  #disarm(): void {
    this.clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#endsAt = Infinity;
  }
}
