import { areTimersReplaced, type Clock, type Timer } from '../time/clock.js';
import { inImportContext } from '../time/process-timers.js';
import { LinkedList } from './linked-list.js';
import type { Waiter } from './waiter.js';

/**
 * The waiters of one line, in the order in which they came, and the timers that end their waits. Most get what
 * they wait for long before, and a timer costs more than all else here: so they share one. A waiter that would
 * end before one of those that share it has a timer of its own, so that the next to end is the first of them.
 */
export class WaiterList<T> extends LinkedList<Waiter<T>> {
  /** How many share the timer, and the first of them. */
  #sharing = 0;
  #firstSharing: Waiter<T> | undefined;
  /** When the last one ends that has joined them. */
  #lastEnd = -Infinity;
  /** Set for the first that shares it, or for one before that has left. */
  #timer: Timer | undefined;

  constructor(private readonly clock: Clock) {
    super();
  }

  override add(waiter: Waiter<T>): void {
    super.add(waiter);
    const { bound, endsAt } = waiter;
    if (bound === Infinity) return;
    // A timer that a test moves by hand is right about its own wait, and says nothing of the others.
    if (endsAt < this.#lastEnd || areTimersReplaced()) {
      waiter.timer = this.clock.after(bound, () => this.#end(waiter));
      return;
    }
    waiter.sharesTimer = true;
    this.#sharing += 1;
    this.#firstSharing ??= waiter;
    this.#lastEnd = endsAt;
    if (this.#timer === undefined) this.#ringIn(bound, endsAt);
  }

  override delete(waiter: Waiter<T>): boolean {
    const { after } = waiter;
    if (!super.delete(waiter)) return false;
    if (waiter.sharesTimer) this.#leave(waiter, after);
    else this.clock.cancel(waiter.timer);
    return true;
  }

  /** @param after Who came after it. */
  #leave(waiter: Waiter<T>, after: Waiter<T> | undefined): void {
    this.#sharing -= 1;
    if (waiter === this.#firstSharing) this.#firstSharing = firstSharingFrom(after);
    if (this.#sharing > 0) return;
    this.#lastEnd = -Infinity;
    this.clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #ringIn(ms: number, at: number): void {
    // A timer keeps the async context in which it is set: not that of a caller that has long left.
    const timer = inImportContext(() =>
      this.clock.after(ms, () => {
        // It may ring though it was stopped, where a test has replaced what stops timers.
        if (this.#timer === timer) this.#ring(at);
      }),
    );
    this.#timer = timer;
  }

  #ring(at: number): void {
    this.#timer = undefined;
    // A timer fires no earlier than it was set for; the sum that said when may be a rounding apart.
    const now = Math.max(at, this.clock.now());
    const over: Waiter<T>[] = [];
    let next = this.#firstSharing;
    for (; next !== undefined && next.endsAt <= now; next = firstSharingFrom(next.after))
      over.push(next);
    if (next !== undefined) this.#ringIn(next.endsAt - now, next.endsAt);
    for (const waiter of over) this.#end(waiter);
  }

  /** The wait is over, unless it was before. */
  #end(waiter: Waiter<T>): void {
    if (waiter.listed) waiter.expire();
  }
}

/** The first that shares the timer, from this one on. */
function firstSharingFrom<T>(waiter: Waiter<T> | undefined): Waiter<T> | undefined {
  let one = waiter;
  while (one !== undefined && !one.sharesTimer) one = one.after;
  return one;
}
