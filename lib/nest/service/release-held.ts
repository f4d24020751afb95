import { createHash } from 'node:crypto';
import type { LockInfo } from '../../engine/api/lock.js';
import type { LockService } from './lock.service.js';

/** What became of a lock that somebody wants released. */
export type ReleaseOutcome = 'released' | 'free' | 'other-holders' | 'foreign';

/** Tells holders from others, whatever is left of their leases. */
export function markOf(holders: LockInfo['holders']): string {
  const names = holders.map(({ label, host, pid }) => JSON.stringify([label, host, pid]));
  return createHash('sha256').update(names.sort().join()).digest('base64url');
}

/**
 * Takes the lock from its holders.
 *
 * @param shown The {@link markOf} those who are meant: others that came after them keep the lock.
 * Without it whoever holds the lock is meant.
 */
export async function releaseHeld(
  locks: LockService,
  key: string,
  shown?: string,
): Promise<ReleaseOutcome> {
  const info = await locks.inspect(key);
  if (info === null) return 'free';
  if (shown !== undefined && markOf(info.holders) !== shown) return 'other-holders';
  return (await locks.forceRelease(key)) ? 'released' : 'foreign';
}
