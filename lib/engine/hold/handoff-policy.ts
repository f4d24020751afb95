import type { Via } from '../api/lock-events.js';
import type { LockRequest, LockSettings } from '../api/lock-options.js';
import { entryLease } from '../store/lease.js';
import { claimOf } from '../store/token.js';
import type { LeaseState } from './lease-state.js';

/** How long a lock stays in this process once another one waits for it, in milliseconds. */
const CONTENDED_MS = 25;
/** How long it passes on freely without word from Redis that nobody else waits, in milliseconds. */
const FREE_MS = 1000;
/** Fencing numbers that are reserved before it shows how many are used, and the most at once. */
const FEW_FENCES = 17;
export const MOST_FENCES = 1000;
/** With so many left more are asked for, or with a quarter of what was used. */
const LOW_FENCES = 8;

/**
 * Whether the process has used up its turn and another one waits for its own; programs that use the
 * same keys wait unseen.
 */
export function mustYield(
  hold: LeaseState,
  { localHandoffs, coexist }: Pick<LockSettings, 'localHandoffs' | 'coexist'>,
  now: number,
): boolean {
  if (coexist && now - hold.startedAt >= CONTENDED_MS) return true;
  if (hold.contendedSince === undefined) return false;
  return hold.passes >= localHandoffs || now - hold.contendedSince >= CONTENDED_MS;
}

/**
 * Whether Redis has to confirm the lease before `next` enters: no fencing number is left, too
 * little of the lease is, or nobody knows any more that no other process waits.
 */
export function mustRenewFirst(
  hold: LeaseState,
  next: LockRequest,
  via: Via,
  now: number,
): boolean {
  if (hold.fencesLeft === 0) return true;
  if (via === 'free' && hold.ttl === next.ttl) return false;
  const left = hold.deadline - now;
  if (!next.renew || left < entryLease(claimOf(next.ttl))) return true;
  if (via !== 'local') return false;
  if (hold.ttl < next.ttl && left < next.ttl / 3) return true;
  return hold.contendedSince === undefined && now - hold.heardAt > FREE_MS;
}

/** How many fencing numbers to ask for together with the lock, for so many callers. */
export function fencesToStart(waiters: number, localHandoffs: number): number {
  return waiters > 1 ? Math.min(FEW_FENCES, localHandoffs + 1) : 1;
}

/**
 * How many fencing numbers to ask for in advance, so that passing on need not stop for them; 0 for
 * none. As many as were used so far: with numbers that nobody uses the counter would run ahead of
 * the clock, and after a loss of data the clock could not make up for it.
 */
export function fencesToFetch(hold: LeaseState, waiters: number, localHandoffs: number): number {
  const contended = hold.contendedSince !== undefined;
  const usable = contended ? Math.min(waiters, localHandoffs - hold.passes) : waiters;
  if (hold.fencesLeft >= Math.min(usable, Math.max(LOW_FENCES, hold.fencesUsed / 4))) return 0;
  const block = Math.max(FEW_FENCES, usable, hold.fencesUsed);
  return Math.min(block, contended ? localHandoffs + 1 : MOST_FENCES);
}

/** Whether it is time to ask whether still nobody else waits, so that passing on need not stop for it. */
export function wordIsOld(hold: LeaseState, now: number): boolean {
  return hold.contendedSince === undefined && now - hold.heardAt > FREE_MS / 2;
}
