import { EXCLUSIVE } from '../engine/api/capacity.js';
import type { StoredLock } from '../engine/store/stored-lock.js';
import { bootOf } from '../engine/store/token.js';
import type { MemoryHolder } from './memory-lock.js';
import type { MemorySpace } from './memory-space.js';

/** What is to be told of a lock in memory; `null`: nobody holds it. */
export function storedLock(space: MemorySpace, key: string): StoredLock | null {
  const lock = space.lock(key);
  if (lock === undefined) return null;
  const now = space.clock.now();
  const waiters = new Map<string, number>();
  const count = (token: string, callers: number): void => {
    if (callers > 0) waiters.set(bootOf(token), (waiters.get(bootOf(token)) ?? 0) + callers);
  };
  for (const { token, callers } of space.queue(key)) count(token, callers);
  const holders = [...lock.holders.values()].map(({ token, expiresAt, behind }) => {
    count(token, behind);
    return { token, leaseLeft: expiresAt - now };
  });
  const leaseLeft = holders.reduce((most, holder) => Math.max(most, holder.leaseLeft), 0);
  const { capacity = EXCLUSIVE } = lock;
  if (capacity !== EXCLUSIVE)
    return { token: undefined, leaseLeft, waiters, several: { capacity, holders } };
  const [holder] = holders;
  return { token: holder?.token.startsWith('~') ? undefined : holder?.token, leaseLeft, waiters };
}

/** Whose token a reply tells; nobody's while a `minHold` runs on. */
export function shownHolder(holder: MemoryHolder | undefined): string | undefined {
  return holder?.token.startsWith('~') ? undefined : holder?.token;
}
