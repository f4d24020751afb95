import { skewOf, suspendedSince } from '../time/clock-skew.js';
import type { Clock } from '../time/clock.js';

/** The last command of an attempt: since when its answer is awaited, and whether that can be relied on. */
export class PendingCommand {
  /** `undefined`: it is answered. */
  since: number | undefined;
  #skew = 0;

  constructor(
    private readonly clock: Clock,
    private readonly commandTimeout: number,
  ) {}

  /** @returns After which moment it must not act. */
  sent(): number {
    this.#skew = skewOf(this.clock);
    this.since = this.clock.now();
    return this.since + this.commandTimeout;
  }

  answered(): void {
    this.since = undefined;
  }

  /** Whether the machine may have been suspended since it was sent: what was given then may be over. */
  get isOld(): boolean {
    return suspendedSince(this.#skew, this.clock) > 0;
  }
}
