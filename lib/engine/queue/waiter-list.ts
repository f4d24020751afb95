import { areTimersReplaced, type Clock, type Timer } from '../time/clock.js';
import { inImportContext } from '../time/process-timers.js';
import { LinkedList } from './linked-list.js';
import type { TimerShare, Waiter } from './waiter.js';

/**
 * The waiters of one line, in the order in which they came, and the timers that end their waits. Most get what
 * they wait for long before, and a timer costs more than all else here: so they share one. A waiter that would
 * end before the last of those that share it has a timer of its own, so that the next to end is the first of them.
 */
export class WaiterList<T> extends LinkedList<Waiter<T>> {
  readonly #shares = new LinkedList<TimerShare<T>>();
  /** Set for the first that shares it, or for one before that has left. */
  #timer: Timer | undefined;

  constructor(private readonly clock: Clock) {
    super();
  }

  override add(waiter: Waiter<T>): void {
    super.add(waiter);
    const { bound, endsAt } = waiter;
    if (bound === Infinity) return;
    const last = this.#shares.last?.waiter.endsAt ?? -Infinity;
    // A timer that a test moves by hand is right about its own wait, and says nothing of the others.
    if (endsAt < last || areTimersReplaced()) {
      waiter.timer = this.clock.after(bound, () => this.#end(waiter));
    } else {
      waiter.share = { waiter };
      this.#shares.add(waiter.share);
      if (this.#timer === undefined) this.#ringIn(bound, endsAt);
    }
  }

  override delete(waiter: Waiter<T>): boolean {
    if (!super.delete(waiter)) return false;
    this.clock.cancel(waiter.timer);
    if (waiter.share !== undefined) this.#shares.delete(waiter.share);
    if (this.#shares.size === 0) this.#stop();
    return true;
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

  #stop(): void {
    this.clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #ring(at: number): void {
    this.#timer = undefined;
    // A timer fires no earlier than it was set for; the sum that said when may be a rounding apart.
    const now = Math.max(at, this.clock.now());
    const over: Waiter<T>[] = [];
    let share = this.#shares.first;
    for (; share !== undefined && share.waiter.endsAt <= now; share = share.after)
      over.push(share.waiter);
    if (share !== undefined) this.#ringIn(share.waiter.endsAt - now, share.waiter.endsAt);
    for (const waiter of over) this.#end(waiter);
  }

  /** The wait is over, unless it was before. */
  #end(waiter: Waiter<T>): void {
    if (waiter.listed) waiter.expire();
  }
}
