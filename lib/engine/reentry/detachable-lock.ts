import type { DetachedLocks } from '../api/detached-lock.js';
import { ShownLock } from '../api/shown-lock.js';
import { writeTicket } from '../store/lock-ticket.js';

/** What every lock of the engine has in common. */
export abstract class DetachableLock extends ShownLock {
  /** Ends the handle and leaves the lock held: `detach`, before there is a ticket. */
  abstract leaveHeld(): Promise<DetachedLocks>;

  async detach(): Promise<string> {
    return writeTicket(await this.leaveHeld());
  }
}
