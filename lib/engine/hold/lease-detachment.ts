import type { DetachedLock } from '../api/detached-lock.js';
import { LockLostError } from '../api/errors.js';
import type { Moved } from '../store/lock-mover.js';
import { capacityIn, claimOf, TokenMint } from '../store/token.js';
import type { CallerLock } from './caller-lock.js';
import type { LeaseState } from './lease-state.js';
import type { TenureContext } from './tenure-context.js';

/** How a lock is detached. */
export interface Detachment {
  /** Whether others go on holding the lock by the same lease. */
  readonly beside: boolean;
  /** What is left of its `minHold`, in milliseconds. */
  readonly minHoldLeft: number;
  /** That of the ticket with which it came. @default a new one */
  readonly token?: string | undefined;
}

/**
 * Leaves a lock held by a token that is of no process: no doubt of a waiter reaches it, and nobody here gives
 * it back. Asks until there is an answer, for `wait` at most; without one all is given back.
 */
export async function detachLease(
  hold: LeaseState,
  lock: CallerLock,
  { beside, minHoldLeft, token }: Detachment,
  { clock, mover, releaser, settings }: TenureContext,
): Promise<DetachedLock> {
  const { key, token: from } = hold;
  const until = Math.min(hold.deadline, clock.now() + settings.wait);
  const lease = Math.floor(Math.max(hold.ttl, minHoldLeft));
  const to = token ?? new TokenMint().next(claimOf(lease), 1, lock.request.label, capacityIn(from));
  const command = { key, from, to, ttl: lease, beside };
  const move = (): Promise<Moved> => mover.move(command, () => clock.now() < until);
  try {
    const { kind } = await mover.inTurn(to, move);
    if (kind === 'held') return { key, token: to, fence: lock.fencingToken, lease, minHoldLeft };
  } catch (error) {
    if (!beside) releaser.discard(key, from, lease, minHoldLeft);
    releaser.discard(key, to, lease, minHoldLeft);
    throw error;
  }
  const why = 'Redis had it no longer under our token when it was detached.';
  throw new LockLostError(lock.keys, lock.heldMs, why);
}
