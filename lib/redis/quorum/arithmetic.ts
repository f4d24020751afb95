import type { FenceBlock } from '../../engine/store/lock-store.js';
import { type BornAt, isOlder } from '../client/server-age.js';

/**
 * The arithmetic of quorum locks. It follows Redlock, which has no queue, no fencing numbers and no restart rule.
 * @see https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/
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

/** The highest block that voters granted: above every earlier holder's, since one voter gave its vote to both. */
export function highestBlock(blocks: readonly FenceBlock[]): FenceBlock {
  return blocks.reduce((highest, block) => (block.last > highest.last ? block : highest));
}

/** Whether a server counts as restarted though nobody saw it: most may be older. All that started together may vote. */
export function isLatecomer(own: BornAt, all: readonly BornAt[]): boolean {
  if (own === undefined) return true;
  return all.filter((other) => isOlder(other, own)).length >= majorityOf(all.length);
}

/** Whether a server of this age can't have forgotten a lease of `lease` ms that still runs: Redlock's delayed restart. */
export function isOldEnough(age: number, lease: number): boolean {
  return age > lease * (1 + DRIFT_SHARE) + DRIFT_MS;
}
