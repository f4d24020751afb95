import type { Hold } from './hold.js';
import { entryLease } from './lease.js';
import type { LockRequest } from './lock-options.js';
import { claimOf } from './token.js';

/** How a caller came by the lock. */
export type Via = 'free' | 'handoff' | 'local';

/** How long a lock stays in this process once another one waits for it, in milliseconds. */
const CONTENDED_MS = 25;
/** How long it passes on freely without word from Redis that nobody else waits, in milliseconds. */
const FREE_MS = 1000;
/** Fencing numbers that are reserved for free passing. */
const FREE_FENCES = 1000;

/** Whether the process has used up its turn and another one waits for its own. */
export function mustYield(hold: Hold, localHandoffs: number, now: number): boolean {
  if (hold.contendedSince === undefined) return false;
  return hold.passes >= localHandoffs || now - hold.contendedSince >= CONTENDED_MS;
}

/**
 * Whether Redis has to confirm the lease before `next` enters: no fencing number is left, too
 * little of the lease is, or nobody knows any more that no other process waits.
 */
export function mustRenewFirst(hold: Hold, next: LockRequest, via: Via, now: number): boolean {
  if (hold.fencesLeft === 0) return true;
  if (via === 'free') return false;
  const left = hold.deadline - now;
  if (!next.renew || left < entryLease(claimOf(next.ttl))) return true;
  if (via === 'handoff') return false;
  if (hold.ttl < next.ttl && left < next.ttl / 3) return true;
  return hold.contendedSince === undefined && now - hold.heardAt > FREE_MS;
}

/** How many fencing numbers to ask for in advance, so that passing on need not stop for them; 0 for none. */
export function fencesToFetch(hold: Hold, waiters: number, localHandoffs: number): number {
  const contended = hold.contendedSince !== undefined;
  const usable = contended ? Math.min(waiters, localHandoffs - hold.passes) : waiters;
  if (hold.fencesLeft >= usable) return 0;
  return contended ? localHandoffs + 1 : FREE_FENCES;
}

/** Whether it is time to ask whether still nobody else waits, so that passing on need not stop for it. */
export function wordIsOld(hold: Hold, now: number): boolean {
  return hold.contendedSince === undefined && now - hold.heardAt > FREE_MS / 2;
}
