import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

describe('a lock that another program set by SET k x NX PX (A18)', () => {
  let keyPrefix: string;
  let key: string;
  let redis: Redis;
  let manager: LockManager;
  const setForeign = async (ms: number): Promise<void> => {
    expect(await redis.set(key, 'x', 'PX', ms, 'NX')).toBe('OK');
  };

  beforeEach(async () => {
    keyPrefix = uniquePrefix();
    key = `${keyPrefix}k`;
    redis = openClient(sharedRedisUrl());
    manager = openManager(sharedRedisUrl(), { keyPrefix });
    await manager.withLock('warm-up', () => {});
  });

  it('excludes ours until it expires', async () => {
    const setAt = performance.now();
    await setForeign(500);

    expect(await manager.tryAcquire('k')).toBeNull();
    const lock = await manager.acquire('k');

    expect(performance.now() - setAt).toBeGreaterThan(499);
    expect(performance.now() - setAt).toBeLessThan(700 + NOISE_MS);
    expect(await lock.release()).toBe('released');
  });

  it('excludes ours until it is deleted, which the next poll finds', async () => {
    await setForeign(60_000);
    const waiting = manager.acquire('k');
    await eventually(async () => expect((await manager.inspect('k'))?.waiters).toBe(1));
    await redis.del(key);

    const { ms, value } = await timed(waiting);

    expect(ms).toBeLessThan(400 + NOISE_MS);
    await value?.release();
  });

  it('is asked for by one poller of each process, every 100 to 400 ms', async () => {
    // On a server of its own: its commands are counted.
    const server = closing(await RedisServer.start());
    const ours = openManager(server.url);
    const theirs = openClient(server.url);
    await theirs.set('lock:k', 'x', 'PX', 60_000);
    await ours.withLock('warm-up', () => {});
    const before = await polls(theirs);
    const waiting = Array.from({ length: 5 }, () => timed(ours.acquire('k', { wait: 3000 })));
    const outcomes = await Promise.all(waiting);
    const asked = (await polls(theirs)) - before;

    for (const { error } of outcomes)
      expect(error).toMatchObject({
        code: 'LOCK_TIMEOUT',
        holder: { label: '', host: '', pid: 0 },
      });
    expect(asked).toBeGreaterThanOrEqual(NOISE_MS > 1000 ? 3 : 7);
    expect(asked).toBeLessThanOrEqual(33);
  });

  it('that never expires is waited for like any other', async () => {
    await redis.set(key, 'x');

    await expect(manager.acquire('k', { wait: 700 })).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });

    expect(await manager.inspect('k')).toMatchObject({
      holders: [{ label: '', host: '', pid: 0, ttlMs: Infinity }],
    });
    expect(await redis.get(key)).toBe('x');
  });

  it('is never deleted or prolonged by us, whatever we do', async () => {
    await setForeign(20_000);
    const waiting = timed(manager.acquire('k', { wait: 700 }));
    await manager.tryAcquire('k');
    expect(await manager.forceRelease('k')).toBe(false);
    expect((await waiting).error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    await manager.inspect('k');
    await manager.close();

    expect(await redis.get(key)).toBe('x');
    expect(await redis.pttl(key)).toBeLessThanOrEqual(20_000);
    expect(await redis.pttl(key)).toBeGreaterThan(10_000);
  });

  it('is set only when ours is free: our key excludes SET NX', async () => {
    const lock = await manager.acquire('k');
    expect(await redis.set(key, 'x', 'PX', 500, 'NX')).toBeNull();
    await lock.release();
    expect(await redis.set(key, 'x', 'PX', 500, 'NX')).toBe('OK');
  });

  it('is excluded by the rest of a minHold as well', async () => {
    await manager.withLock('k', () => {}, { minHold: 5000 });

    expect(await redis.set(key, 'x', 'PX', 500, 'NX')).toBeNull();
  });

  it.each(['~', '', 'a'.repeat(17), '0123456789abcdef.2000.0001.', '{"owner":1}', '\0ÿ'])(
    'holds with any value, such as %j',
    async (value) => {
      await redis.set(key, value, 'PX', 500);

      expect(await manager.tryAcquire('k')).toBeNull();
      await (await manager.acquire('k')).release();
    },
  );
});

/** How often a script has run on this server; other tests may run beside. */
async function polls(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}
