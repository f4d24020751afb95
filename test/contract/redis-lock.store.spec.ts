import { systemClock } from '../../lib/engine/time/clock.js';
import { TokenMint } from '../../lib/engine/store/token.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { afterTest } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { describeLockStore } from './lock-store.contract.js';
import { StoreParty } from './store-party.js';

describeLockStore('RedisLockStore', async () => {
  const keyPrefix = uniquePrefix();
  const client = openClient(sharedRedisUrl());
  const listening = (boot: string, count: 0 | 1): Promise<void> =>
    eventually(async () => {
      const [, found] = await client.pubsub('NUMSUB', `${keyPrefix}!g:${boot}`);
      if (found !== count) throw new Error(`${String(found)} subscriptions, not ${count}.`);
    });
  return {
    join: async () => {
      const mint = new TokenMint();
      const options = { keyPrefix, commandTimeout: 10_000, boot: mint.boot, clock: systemClock };
      const store = openRedisStore(sharedRedisUrl(), options);
      afterTest(() => store.close());
      const party = new StoreParty(mint, store);
      await listening(mint.boot, 1);
      return party;
    },
    leave: async (party) => {
      await party.store.close();
      await listening(party.boot, 0);
    },
    leftovers: async () =>
      (await client.keys(`${keyPrefix}*`)).filter((key) => key !== `${keyPrefix}!fence`),
  };
});
