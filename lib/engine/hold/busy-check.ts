import type { CallerQueue } from '../queue/caller-queue.js';
import { backoff } from '../time/backoff.js';
import { type Clock, pause } from '../time/clock.js';
import type { LeaseRenewer } from './lease-renewer.js';
import type { LeaseState } from './lease-state.js';

/** Asks Redis whether a lock is still held here, for callers that take one try: *busy* must be true. */
export class BusyCheck {
  #isRunning = false;

  constructor(
    private readonly hold: LeaseState,
    private readonly callers: Pick<CallerQueue<unknown>, 'impatient'>,
    private readonly renewer: LeaseRenewer,
    private readonly clock: Clock,
  ) {}

  /** Asks until there is an answer, or nobody wants it; the hold's owner hears what it was. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let failures = 1; this.callers.impatient; failures += 1) {
      if ((await this.renewer.check(this.hold)) !== 'unknown') break;
      await pause(backoff(failures, this.clock), this.clock);
      if (!this.renewer.keeps(this.hold)) break;
    }
    this.#isRunning = false;
  }
}
