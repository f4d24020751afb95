import { areTimersReplaced, type Clock, type Timer } from '../time/clock.js';
import { inImportContext } from '../time/process-timers.js';
import { LinkedList } from './linked-list.js';
import type { Waiter } from './waiter.js';

/**
 * The waiters of one line, in the order in which they came, and the timer that ends their waits. It is one for all:
 * most get what they wait for long before, and a timer for each would cost more than all else here.
 */
export class WaiterList<T> extends LinkedList<Waiter<T>> {
  /** How many wait for a limited time. */
  #bounded = 0;
  /** Whether their waits end in the order in which they came; mostly all wait for as long. */
  #isInOrder = true;
  #timer: Timer | undefined;
  /** When it rings: as the first of them ends, or one before that has left. */
  #ringsAt = Infinity;

  constructor(private readonly clock: Clock) {
    super();
  }

  override add(waiter: Waiter<T>): void {
    const { bound, endsAt } = waiter;
    if (this.last !== undefined && endsAt < this.last.endsAt) this.#isInOrder = false;
    super.add(waiter);
    if (bound === Infinity) return;
    // A timer that a test moves by hand is right about its own wait, and says nothing of the others.
    if (areTimersReplaced()) {
      waiter.timer = this.clock.after(bound, () => end(waiter));
      return;
    }
    this.#bounded += 1;
    if (endsAt < this.#ringsAt) this.#ringIn(bound, endsAt);
  }

  override delete(waiter: Waiter<T>): boolean {
    if (!super.delete(waiter)) return false;
    if (waiter.timer !== undefined) this.clock.cancel(waiter.timer);
    else if (waiter.bound !== Infinity) this.#bounded -= 1;
    if (this.#bounded === 0) this.#stop();
    if (this.size === 0) this.#isInOrder = true;
    return true;
  }

  #ringIn(ms: number, at: number): void {
    this.#stop();
    this.#ringsAt = at;
    // A timer keeps the async context in which it is set: not that of a caller that has long left.
    const timer = inImportContext(() =>
      this.clock.after(ms, () => {
        // It may ring though it was stopped, where a test has replaced what stops timers.
        if (this.#timer === timer) this.#ring(at);
      }),
    );
    this.#timer = timer;
  }

  #stop(): void {
    if (this.#timer === undefined) return;
    this.clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#ringsAt = Infinity;
  }

  #ring(at: number): void {
    this.#stop();
    // A timer fires no earlier than it was set for; the sum that said when may be a rounding apart.
    const now = Math.max(at, this.clock.now());
    const over: Waiter<T>[] = [];
    let next = Infinity;
    for (let one = this.first; one !== undefined; one = one.after) {
      if (one.timer !== undefined) continue;
      if (one.endsAt <= now) over.push(one);
      else next = Math.min(next, one.endsAt);
      if (this.#isInOrder && next < Infinity) break;
    }
    if (next < Infinity) this.#ringIn(next - now, next);
    for (const waiter of over) end(waiter);
  }
}

/** Its wait is over, unless it was before. */
function end<T>(waiter: Waiter<T>): void {
  if (waiter.listed) waiter.expire();
}
