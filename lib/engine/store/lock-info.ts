import { EXCLUSIVE, kindOf } from '../api/capacity.js';
import type { LockInfo } from '../api/lock.js';
import type { StoredLock } from './stored-lock.js';
import { isToken, readToken } from './token.js';

/** What this process knows of a lock beside the store. */
export interface LocalState {
  readonly boot: string;
  /** Callers that wait here; what the store has heard of them is older. */
  readonly waiters: number;
  /** Label of a caller that has the lock here by this token, if one has. */
  labelOf(token: string): string | undefined;
}

/** Shows a stored lock to people. */
export function describeLock(key: string, stored: StoredLock, here: LocalState): LockInfo {
  let { waiters } = here;
  for (const [boot, callers] of stored.waiters) if (boot !== here.boot) waiters += callers;
  const { token, leaseLeft, several } = stored;
  if (several === undefined) {
    const holders = token === undefined ? [] : [describeHolder(token, leaseLeft, here)];
    return { key, ...kindOf(EXCLUSIVE), waiters, holders };
  }
  // Of one that keeps its place only for the rest of a `minHold` there is nobody to show.
  const holders = several.holders
    .filter((holder) => isToken(holder.token))
    .map((holder) => describeHolder(holder.token, holder.leaseLeft, here));
  return { key, ...kindOf(several.capacity), waiters, holders };
}

function describeHolder(
  token: string,
  ttlMs: number,
  here: LocalState,
): LockInfo['holders'][number] {
  const facts = readToken(token);
  const { host, pid } = facts ?? { host: '', pid: 0 };
  const label = here.labelOf(token) ?? facts?.label ?? '';
  return { label, host, pid, ttlMs };
}
