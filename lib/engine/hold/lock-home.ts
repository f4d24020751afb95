import type { DetachedLock } from '../api/detached-lock.js';
import type { LockLostError } from '../api/errors.js';
import type { ReentryContext } from '../reentry/reentry-queue.js';
import type { RenewalOutcome } from './lease-renewer.js';

/** Where a held lock is given back, and who can prolong it. */
export interface LockHome<Lock> {
  readonly context: ReentryContext;
  /** Takes the lock back from its caller. */
  leave(lock: Lock, now: number): Promise<'released' | 'lost'>;
  /**
   * Leaves the lock held by nobody here.
   *
   * @param token That of the ticket with which it came, if it goes back there.
   */
  detach(lock: Lock, token?: string): Promise<DetachedLock>;
  /** Renews the lease to its hold's `ttl`. */
  renew(): Promise<RenewalOutcome>;
  /** The caller has to go: for it the lock counts as lost, and is released. */
  evictOne(lock: Lock, why: string): void;
  /** Goes on by the caller's request as it is from here, with a lease as if it entered anew; `false`: Redis did not confirm it. */
  settle(lock: Lock): Promise<boolean>;
  /** Makes the loss known to listeners. */
  reportLost(lock: Lock, error: LockLostError): void;
}
