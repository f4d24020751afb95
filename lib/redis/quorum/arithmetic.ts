import type { FenceBlock } from '../../engine/store/lock-store.js';

/**
 * The arithmetic of quorum locks, without I/O.
 *
 * @see https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/ for Redlock, which
 * this follows; the queue on one node, the fencing numbers and the restart rule are not in it.
 */

/** How many of `nodes` nodes two holders can't both have. */
export function majorityOf(nodes: number): number {
  return Math.floor(nodes / 2) + 1;
}

const DRIFT_SHARE = 0.01;
const DRIFT_MS = 2;

/** What is left of a lease of `ttl` ms after `elapsed` ms, by the slowest clock; not above 0: no vote. */
export function validityOf(ttl: number, elapsed: number): number {
  return ttl - elapsed - (ttl * DRIFT_SHARE + DRIFT_MS);
}

/** The nodes in the order in which they are to coordinate `key`: rotated by its hash (FNV-1a). */
export function inOrder<T>(nodes: readonly T[], key: string): readonly T[] {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  const first = hash % nodes.length;
  return [...nodes.slice(first), ...nodes.slice(0, first)];
}

/**
 * The fencing numbers of a holder, from what its voters granted: the highest block. It is above
 * every earlier holder's, since one voter gave its vote to both.
 */
export function highestBlock(blocks: readonly FenceBlock[]): FenceBlock {
  return blocks.reduce((highest, block) => (block.last > highest.last ? block : highest));
}

/** Uptime is told in whole seconds. */
const AGE_GRAIN_MS = 2000;

/**
 * Whether a server counts as restarted though nobody saw it: most of them may be older than it is.
 * Servers that were all started together may vote at once.
 *
 * @param bornAt When each server started, on one clock; `undefined`: not known, and so perhaps long ago.
 */
export function isLatecomer(
  own: number | undefined,
  bornAt: readonly (number | undefined)[],
): boolean {
  if (own === undefined) return true;
  const older = bornAt.filter((other) => other === undefined || other < own - AGE_GRAIN_MS);
  return older.length >= majorityOf(bornAt.length);
}

/**
 * Whether a restarted server has been up for so long that every lease of `lease` ms which it may
 * have forgotten is over: Redlock's delayed restart.
 */
export function isOldEnough(age: number, lease: number): boolean {
  return age > lease * (1 + DRIFT_SHARE) + DRIFT_MS;
}

/** The value that a majority of the nodes has; `undefined`: none. */
export function majorityValue<T>(values: readonly T[], nodes: number): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) {
    const count = (counts.get(value) ?? 0) + 1;
    if (count >= majorityOf(nodes)) return value;
    counts.set(value, count);
  }
  return undefined;
}
