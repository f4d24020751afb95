import { skewOf, suspendedBetween } from './clock-skew.js';
import type { Clock, Timer } from './clock.js';

const WATCH_MS = 1000;

/** Compares the clocks once a second, and whenever it is told to, while somebody keeps leases. */
export class SuspendWatch {
  #timer: Timer | undefined;
  /** When last looked at. */
  #skew = 0;

  /**
   * @param isNeeded Whether anybody keeps leases; else the watch ends.
   * @param onSuspended The machine may have been suspended for so many milliseconds.
   */
  constructor(
    private readonly clock: Clock,
    private readonly isNeeded: () => boolean,
    private readonly onSuspended: (asleep: number) => void,
  ) {}

  /** What the clocks did before this is of no interest. */
  reset(): void {
    this.#skew = skewOf(this.clock);
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.clock.after(
      WATCH_MS,
      () => {
        this.#timer = undefined;
        if (!this.isNeeded()) return;
        this.start();
        this.look();
      },
      'observer',
    );
  }

  /** @param now The time of a moment ago, when it is known. */
  look(now = this.clock.now()): void {
    const before = this.#skew;
    this.#skew = skewOf(this.clock, now);
    const asleep = suspendedBetween(before, this.#skew);
    if (asleep > 0) this.onSuspended(asleep);
  }

  close(): void {
    this.clock.cancel(this.#timer);
  }
}
