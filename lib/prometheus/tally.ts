import { isLockError } from '../engine/api/errors.js';
import type { Via } from '../engine/api/lock-events.js';
import type { CallObserver, HoldEnd } from '../engine/api/lock-observers.js';
import { DurationBuckets } from './duration-buckets.js';

/**
 * What became of the calls of one template. Every call ends in one of its numbers: asked is
 * acquired + busy + unavailable + abandoned + waiting, and acquired is ended + held.
 */
export class Tally implements CallObserver {
  readonly acquiredBy: Record<Via, number> = { free: 0, handoff: 0, local: 0 };
  readonly endedBy: Record<HoldEnd, number> = {
    released: 0,
    detached: 0,
    lost: 0,
    'release-failed': 0,
  };
  readonly wait = new DurationBuckets();
  readonly hold = new DurationBuckets();
  waiting = 0;
  held = 0;
  busy = 0;
  unavailable = 0;
  /** Ended without the lock for any other reason: by their callers, by the application as it closed. */
  abandoned = 0;
  #permits: PermitTally | undefined;

  /** A call asks, for one of so many permits; returns whom to tell what becomes of it. */
  asked(permits: number): CallObserver {
    this.waiting += 1;
    if (permits === 1) return this;
    this.#permits ??= new PermitTally(this);
    return this.#permits;
  }

  /** Permits of semaphores that are held; `undefined` as long as nobody has asked for one. */
  get permitsInUse(): number | undefined {
    return this.#permits?.inUse;
  }

  acquired(waitedMs: number, via: Via): void {
    this.waiting -= 1;
    this.held += 1;
    this.acquiredBy[via] += 1;
    this.wait.observe(waitedMs);
  }

  refused(error: unknown): void {
    this.waiting -= 1;
    if (isLockError(error, 'LOCK_TIMEOUT') || isLockError(error, 'LOCK_QUEUE_FULL')) this.busy += 1;
    else if (isLockError(error, 'LOCK_UNAVAILABLE')) this.unavailable += 1;
    else this.abandoned += 1;
  }

  ended(how: HoldEnd, heldMs: number): void {
    this.held -= 1;
    this.endedBy[how] += 1;
    this.hold.observe(heldMs);
  }
}

/** The calls of one template that ask for a permit of a semaphore. */
class PermitTally implements CallObserver {
  inUse = 0;

  constructor(private readonly calls: Tally) {}

  acquired(waitedMs: number, via: Via): void {
    this.inUse += 1;
    this.calls.acquired(waitedMs, via);
  }

  refused(error: unknown): void {
    this.calls.refused(error);
  }

  ended(how: HoldEnd, heldMs: number): void {
    this.inUse -= 1;
    this.calls.ended(how, heldMs);
  }
}
