import type { LockInfo } from '../engine/api/lock.js';
import type { WaitingProcess } from '../engine/store/lock-queue.js';
import { markOf } from '../nest/service/release-held.js';

/** One lock on the board. Times are of the server's wall clock, in milliseconds. */
export interface BoardRow {
  readonly id: string;
  readonly service: string;
  readonly key: string;
  readonly mode: string;
  readonly permits: number;
  readonly waiters: number;
  readonly holders: readonly BoardHolder[];
  /** Tells these holders from others: a release names it, and is for nobody else. */
  readonly mark: string;
  /** Waiting processes in the order in which they get the lock; the first few. */
  readonly queue: readonly { label: string; host: string; pid: number; since: number }[];
}

/** A holder; `since` is when the board saw it first, `early` whether it may have been there long before. */
export interface BoardHolder {
  readonly label: string;
  readonly host: string;
  readonly pid: number;
  /** `null`: for ever. */
  readonly endsAt: number | null;
  readonly since: number;
  readonly early: boolean;
}

/** Lease ends that differ by less are the same: each look finds it a little different. */
const SAME_MS = 250;

/** A lock as it is seen at the moment `now`. */
export function rowOf(
  service: string,
  { key, mode, permits, waiters, holders }: LockInfo,
  queue: readonly WaitingProcess[],
  seen: { readonly now: number; readonly before: BoardRow | undefined; readonly early: boolean },
): BoardRow {
  const { now, before, early } = seen;
  const knownBefore = [...(before?.holders ?? [])];
  return {
    ...{ id: idOf(service, key), service, key, mode, permits, waiters },
    holders: holders.map(({ label, host, pid, ttlMs }): BoardHolder => {
      // Permits of one process may look the same: each is one.
      const at = knownBefore.findIndex(
        (other) => other.label === label && other.host === host && other.pid === pid,
      );
      const [known] = at < 0 ? [] : knownBefore.splice(at, 1);
      const endsAt = ttlMs === Infinity ? null : Math.round(now + ttlMs);
      const steady = isNear(known?.endsAt, endsAt) ? known?.endsAt : undefined;
      const { since, early: wasEarly } = known ?? { since: now, early };
      return { label, host, pid, endsAt: steady ?? endsAt, since, early: wasEarly };
    }),
    mark: markOf(holders),
    queue: queue.map(({ label, host, pid, since }) => ({ label, host, pid, since })),
  };
}

/** Names a lock among those of all services. */
export function idOf(service: string, key: string): string {
  return JSON.stringify([service, key]);
}

function isNear(one: number | null | undefined, other: number | null): boolean {
  return typeof one === 'number' && other !== null && Math.abs(one - other) < SAME_MS;
}
