import { areTimersReplaced, type Clock, type Timer } from '../time/clock.js';
import { LinkedList } from './linked-list.js';
import type { Waiter } from './waiter.js';

/**
 * The waiters of one line, in the order in which they came. Owns the timer that ends their waits: one for
 * all of them, since most get what they wait for long before, and a timer costs more than all else here.
 */
export class WaiterList<T> extends LinkedList<Waiter<T>> {
  #timer: Timer | undefined;
  /** When the timer rings: no later than the first wait ends. */
  #ringsAt = Infinity;

  constructor(private readonly clock: Clock) {
    super();
  }

  override add(waiter: Waiter<T>): void {
    super.add(waiter);
    if (waiter.bound === Infinity) return;
    // A timer that a test moves by hand is right about its own wait, and says nothing of the others.
    if (areTimersReplaced()) waiter.timer = this.clock.after(waiter.bound, () => waiter.expire());
    else this.#ringIn(waiter.bound, waiter.endsAt);
  }

  override delete(waiter: Waiter<T>): boolean {
    const wasIn = super.delete(waiter);
    this.clock.cancel(waiter.timer);
    if (this.size === 0) this.#stop();
    return wasIn;
  }

  #ringIn(ms: number, at: number): void {
    if (at >= this.#ringsAt) return;
    this.#stop();
    this.#ringsAt = at;
    this.#timer = this.clock.after(ms, () => this.#ring());
  }

  #stop(): void {
    this.clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#ringsAt = Infinity;
  }

  #ring(): void {
    // A timer fires no earlier than it was set for; the sum that said when may be a rounding apart.
    const now = Math.max(this.#ringsAt, this.clock.now());
    this.#stop();
    const over: Waiter<T>[] = [];
    for (const waiter of this) {
      if (waiter.endsAt <= now) over.push(waiter);
      // In its context: a line that never empties would keep that of its first caller for ever.
      else waiter.runInContext(() => this.#ringIn(waiter.endsAt - now, waiter.endsAt));
    }
    for (const waiter of over) if (waiter.listed) waiter.expire();
  }
}
