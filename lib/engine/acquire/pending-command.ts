import { skewOf, suspendedSince } from '../time/clock-skew.js';
import type { Clock } from '../time/clock.js';

/** The last command of an attempt: since when its answer is awaited, and whether that can be relied on. */
export class PendingCommand {
  /** `undefined`: it is answered. */
  since: number | undefined;
  #skew = 0;
  #isRevoked = false;

  constructor(
    private readonly clock: Clock,
    private readonly commandTimeout: number,
  ) {}

  /** @returns After which moment it must not act. */
  sent(): number {
    this.since = this.clock.now();
    this.#skew = skewOf(this.clock, this.since);
    return this.since + this.commandTimeout;
  }

  answered(): void {
    this.since = undefined;
  }

  /** An operator took what it gives: word of that may overtake the answer. */
  revoked(): void {
    this.#isRevoked = true;
  }

  /** Whether what it gives may be over: an operator took it, or the machine was suspended since it was sent. */
  get mayBeOver(): boolean {
    return this.#isRevoked || suspendedSince(this.#skew, this.clock) > 0;
  }
}
