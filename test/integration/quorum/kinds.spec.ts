import { describe, expect, it } from '@jest/globals';

import type { LockOptions } from '../../../lib/engine/api/lock-options.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { sharedQuorum } from '../../support/redis-quorum.js';
import { uniquePrefix } from '../../support/shared-redis.js';

const shared = sharedQuorum(3);

describe('on a quorum', () => {
  it.each<[string, string | string[], LockOptions, RegExp]>([
    ['a shared lock', 'k', { mode: 'shared' }, /mode: 'shared' .* not available on a quorum/],
    ['a semaphore', 'k', { permits: 2 }, /permits above 1 .* not available on a quorum/],
    ['several keys', ['k', 'l'], {}, /Several keys in one call are not available on a quorum/],
    ['several keys of a kind', ['k', 'l'], { mode: 'shared' }, /not available on a quorum/],
  ])('%s is refused by name, at once, and leaves nothing', async (_, key, options, why) => {
    const keyPrefix = uniquePrefix();
    const manager = openManager(shared().urls, { keyPrefix });
    await manager.withLock('warm-up', () => {});
    const keys = [key].flat();

    for (const ask of [manager.acquire(key, options), manager.tryAcquire(key, options)]) {
      await expect(ask).rejects.toMatchObject({ code: 'LOCK_CONFIG', keys });
      await expect(ask).rejects.toThrow(why);
    }

    const clients = shared().urls.map((url) => openClient(url));
    await eventually(async () => {
      for (const client of clients)
        expect(await client.keys(`${keyPrefix}*`)).toEqual([`${keyPrefix}!fence`]);
    });
  });

  it('one key named twice is one key', async () => {
    const manager = openManager(shared().urls, { keyPrefix: uniquePrefix() });
    const lock = await manager.acquire(['k', 'k']);

    expect(lock.keys).toEqual(['k']);
    await lock.release();
  });
});
