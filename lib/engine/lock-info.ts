import type { StoredLock } from './lock-store.js';
import type { LockInfo } from './lock.js';
import { readToken } from './token.js';

/**
 * Shows a stored lock to people.
 *
 * @param boot This process; its own waiters are known here, what the store has of them is older.
 */
export function describeLock(
  key: string,
  stored: StoredLock,
  boot: string,
  waitersHere: number,
): LockInfo {
  let waiters = waitersHere;
  for (const [process, callers] of stored.waiters) if (process !== boot) waiters += callers;
  const { token, leaseLeft: ttlMs } = stored;
  const facts = token === undefined ? undefined : readToken(token);
  const { label, host, pid } = facts ?? { label: '', host: '', pid: 0 };
  const holders = token === undefined ? [] : [{ label, host, pid, ttlMs }];
  return { key, mode: 'exclusive', permits: 1, waiters, holders };
}
