import type { DetachedLocks } from '../api/detached-lock.js';
import type { LockConfigError } from '../api/errors.js';
import { ShownLock } from '../api/shown-lock.js';
import { writeTicket } from '../store/lock-ticket.js';
import { innerHolds } from './detached.js';

/** What every lock of the engine has in common. */
export abstract class DetachableLock extends ShownLock {
  /** Whether a re-entry is running. */
  abstract readonly reentered: boolean;

  abstract assertHeld(): void;

  /** Ends the handle and leaves the lock held: `detach`, before there is a ticket. */
  abstract leaveHeld(): Promise<DetachedLocks>;

  /**
   * Why the lock can't be detached, though it is held; `undefined`: it can.
   *
   * @param keys Those of the call that is told.
   */
  detachRefusal(keys: readonly string[]): LockConfigError | undefined {
    return this.reentered ? innerHolds(keys) : undefined;
  }

  async detach(): Promise<string> {
    this.assertHeld();
    const refusal = this.detachRefusal(this.keys);
    if (refusal !== undefined) throw refusal;
    return writeTicket(await this.leaveHeld());
  }
}
