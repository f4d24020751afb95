import { afterAll, beforeAll } from '@jest/globals';

import { systemClock } from '../../lib/engine/time/clock.js';
import { TokenMint } from '../../lib/engine/store/token.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { afterTest } from '../support/after-test.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { uniquePrefix } from '../support/shared-redis.js';
import { describeLockStore } from './lock-store.contract.js';
import { StoreParty } from './store-party.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await RedisCluster.start();
}, 60_000);

afterAll(() => cluster.stop());

describeLockStore(
  'RedisLockStore in a Cluster',
  async () => {
    const keyPrefix = uniquePrefix();
    const keys = async (): Promise<string[]> => {
      const masters = cluster.members.slice(0, 3);
      const found = await Promise.all(masters.map(({ client }) => client.keys(`${keyPrefix}*`)));
      return found.flat();
    };
    return {
      join: async () => {
        const mint = new TokenMint();
        const options = { keyPrefix, commandTimeout: 10_000, boot: mint.boot, clock: systemClock };
        const store = openRedisStore({ cluster: cluster.nodes }, options);
        afterTest(() => store.close());
        return new StoreParty(mint, store);
      },
      leave: (party) => party.store.close(),
      leftovers: async () => (await keys()).filter((key) => !key.startsWith(`${keyPrefix}!fence:`)),
    };
  },
  // Who listens is not counted in a Cluster, and only who waits listens.
  { lacks: ['dead-waiters', 'told-holders'] },
);
