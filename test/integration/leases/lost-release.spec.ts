import { describe, expect, it } from '@jest/globals';

import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

describe('a release that a failover has lost', () => {
  it('is repeated by its process as soon as somebody polls, not after the lease', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [
      openManager(sharedRedisUrl(), { keyPrefix }),
      openManager(sharedRedisUrl(), { keyPrefix }),
    ];
    const redis = openClient(sharedRedisUrl());
    const lock = await a.acquire('k');
    const token = await redis.get(`${keyPrefix}k`);
    await lock.release();
    // What a new primary has that got everything but the release.
    await redis.set(`${keyPrefix}k`, token!, 'PX', 30_000);

    const { ms, value } = await timed(b.acquire('k', { wait: 20_000 }));

    expect(ms).toBeLessThan(2500 + NOISE_MS);
    await value?.release();
    expect(await redis.keys(`${keyPrefix}[^!]*`)).toEqual([]);
  });

  it('is not taken for one while the lock is in use', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [
      openManager(sharedRedisUrl(), { keyPrefix }),
      openManager(sharedRedisUrl(), { keyPrefix }),
    ];
    const lock = await a.acquire('k');

    const { error } = await timed(b.acquire('k', { wait: 3500 }));

    expect(error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
  });
});
