import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';

import type { LockStore } from '../../lib/engine/store/lock-store.js';
import type { TokenMint } from '../../lib/engine/store/token.js';
import { systemClock } from '../../lib/engine/time/clock.js';
import { MemoryLockStore } from '../../lib/memory/memory-lock.store.js';
import { MemorySpace } from '../../lib/memory/memory-space.js';
import { LockKeys } from '../../lib/redis/keys/lock-keys.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { afterTest } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { StoreParty } from './store-party.js';

/** A sign of life that lasts longer than any test. */
export const LONG_AFTER = 8e15;

/** One implementation that is compared with a model. */
export interface Side {
  readonly parties: readonly StoreParty[];
  /** The tokens that hold a lock, sorted. */
  holders(key: string): Promise<string[]>;
  /** The leases of all holders end, as if their processes had died long ago. */
  expire(key: string): Promise<void>;
  /** Those that wait live on, however long a busy machine takes for the next step. */
  keepAlive(key: string): Promise<void>;
  leftovers(): Promise<string[]>;
}

export async function memorySide(mints: readonly TokenMint[]): Promise<Side> {
  const space = new MemorySpace(systemClock);
  const parties = mints.map((mint) => open(mint, new MemoryLockStore(mint.boot, space)));
  return {
    parties,
    holders: (key) => holders(parties, key),
    expire: async (key) => space.free(key),
    keepAlive: async (key) => {
      for (const waiter of space.queue(key)) waiter.aliveUntil = Infinity;
    },
    leftovers: async () => space.keys(),
  };
}

export async function redisSide(mints: readonly TokenMint[]): Promise<Side> {
  const keyPrefix = uniquePrefix();
  const keys = new LockKeys(keyPrefix);
  const client = openClient(sharedRedisUrl());
  const parties = mints.map((mint) => {
    const options = { keyPrefix, commandTimeout: 10_000, boot: mint.boot, clock: systemClock };
    return open(mint, openRedisStore(sharedRedisUrl(), options));
  });
  const channels = mints.map(({ boot }) => `${keyPrefix}!g:${boot}`);
  await eventually(async () => {
    const counts = await client.pubsub('NUMSUB', ...channels);
    expect(counts.filter((count) => count === 1)).toHaveLength(mints.length);
  });
  return {
    parties,
    holders: (key) => holders(parties, key),
    // What is left of the set of holders may be older than the lock.
    expire: async (key) => void (await client.del(keyPrefix + key)),
    keepAlive: (key) => keepAlive(client, keys.of(key).alive),
    leftovers: async () =>
      (await client.keys(`${keyPrefix}*`)).filter(
        (key) => key !== `${keyPrefix}!fence` && !key.startsWith(`${keyPrefix}!h:`),
      ),
  };
}

async function holders([party]: readonly StoreParty[], key: string): Promise<string[]> {
  const stored = await party?.store.inspect(key);
  if (stored?.several !== undefined) return stored.several.holders.map(({ token }) => token).sort();
  return stored?.token === undefined ? [] : [stored.token];
}

/** @param alive The name of the signs of life of those that wait. */
export async function keepAlive(client: Redis, alive: string): Promise<void> {
  const tokens = await client.zrange(alive, '0', '-1');
  if (tokens.length > 0)
    await client.zadd(alive, 'XX', ...tokens.flatMap((token) => [LONG_AFTER, token]));
}

function open(mint: TokenMint, store: LockStore): StoreParty {
  afterTest(() => store.close());
  return new StoreParty(mint, store);
}
