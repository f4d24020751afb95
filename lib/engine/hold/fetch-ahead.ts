import type { CallerQueue } from '../queue/caller-queue.js';
import { fencesToFetch, wordIsOld } from './handoff-policy.js';
import type { LeaseRenewer } from './lease-renewer.js';
import type { LeaseState } from './lease-state.js';

/** Asks Redis in advance for what passing the lock on inside this process needs, so that it need not stop. */
export class FetchAhead {
  #isFetching = false;
  /** Resolves when fencing numbers that were asked for have come, or can't; `undefined`: none are on their way. */
  fencesUnderway: Promise<void> | undefined;

  /** @param isShared Whether any number of callers may be in at once. */
  constructor(
    private readonly hold: LeaseState,
    private readonly callers: Pick<CallerQueue<unknown>, 'size'>,
    private readonly renewer: LeaseRenewer,
    private readonly localHandoffs: number,
    private readonly isShared: boolean,
  ) {}

  /** How many fencing numbers the callers can use beside those that are left. */
  get fences(): number {
    // Readers are numbered as they come.
    if (this.isShared) return 0;
    return fencesToFetch(this.hold, this.callers.size, this.localHandoffs);
  }

  run(now: number): void {
    // A renewal on the side would prolong a lease whose caller asked for none.
    if (this.#isFetching || this.callers.size === 0 || !this.hold.renews) return;
    const { fences } = this;
    if (fences === 0 && !wordIsOld(this.hold, now)) return;
    this.hold.fencesWanted = fences;
    this.#isFetching = true;
    const answered = this.renewer.renewNow(this.hold).then(() => {
      this.#isFetching = false;
      this.fencesUnderway = undefined;
    });
    if (fences > 0) this.fencesUnderway = answered;
  }
}
