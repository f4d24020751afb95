import type { LockInfo } from '../api/lock.js';
import type { StoredLock } from './stored-lock.js';
import { readToken } from './token.js';

/** What this process knows of a lock beside the store. */
export interface LocalState {
  readonly boot: string;
  /** Callers that wait here; what the store has heard of them is older. */
  readonly waiters: number;
  /** Label of the caller that has the lock here, if one has. */
  readonly label: string | undefined;
}

/** Shows a stored lock to people. */
export function describeLock(key: string, stored: StoredLock, here: LocalState): LockInfo {
  let { waiters } = here;
  for (const [boot, callers] of stored.waiters) if (boot !== here.boot) waiters += callers;
  const { token, leaseLeft: ttlMs } = stored;
  const facts = token === undefined ? undefined : readToken(token);
  const { host, pid } = facts ?? { host: '', pid: 0 };
  const label = (facts?.boot === here.boot ? here.label : undefined) ?? facts?.label ?? '';
  const holders = token === undefined ? [] : [{ label, host, pid, ttlMs }];
  return { key, mode: 'exclusive', permits: 1, waiters, holders };
}
