import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisServer } from '../../support/redis-server.js';

/** What `evalsha` was called for since `CONFIG RESETSTAT`. */
async function scripts(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

describe('locks that are asked for in one tick', () => {
  let redis: Redis;
  let manager: LockManager;
  let other: LockManager;
  const keysOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `k:${i}`);

  beforeEach(async () => {
    const server = closing(await RedisServer.start());
    redis = openClient(server.url);
    manager = openManager(server.url);
    other = openManager(server.url);
    for (const each of [manager, other]) await each.withLock('warm-up', () => {});
    await eventually(async () => expect(await redis.pubsub('CHANNELS', '*')).toHaveLength(2));
    await redis.config('RESETSTAT');
  });

  it('share a script, and so do their releases', async () => {
    const locks = await Promise.all(keysOf(63).map((key) => manager.acquire(key)));
    expect(await scripts(redis)).toBe(1);

    const outcomes = await Promise.all(locks.map((lock) => lock.release()));

    expect(await scripts(redis)).toBe(2);
    expect(new Set(outcomes)).toEqual(new Set(['released']));
    expect(await redis.keys('lock:[^!]*')).toEqual([]);
  });

  it('are several scripts when they are many', async () => {
    const locks = await Promise.all(keysOf(100).map((key) => manager.acquire(key)));

    expect(await scripts(redis)).toBe(2);
    expect(await redis.keys('lock:[^!]*')).toHaveLength(100);
    await Promise.all(locks.map((lock) => lock.release()));
  });

  it('have fencing numbers of their own, in call order and larger than all before', async () => {
    const before = await manager.acquire('before');
    const locks = await Promise.all(keysOf(50).map((key) => manager.acquire(key)));
    const after = await other.acquire('after');

    const fences = [before, ...locks, after].map(({ fencingToken }) => fencingToken);

    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    expect(new Set(fences).size).toBe(52);
  });

  it('keep their numbers apart when the counter is ahead of the clock', async () => {
    const ahead = (Date.now() + 3_600_000) * 1000;
    await redis.set('lock:!fence', String(ahead));

    const locks = await Promise.all(keysOf(20).map((key) => manager.acquire(key)));

    expect(locks.map(({ fencingToken }) => fencingToken - ahead)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(Number(await redis.get('lock:!fence'))).toBe(ahead + 20);
  });

  it('wait or are refused one by one where somebody else holds them', async () => {
    const held = await Promise.all([other.acquire('k:1'), other.acquire('k:3')]);
    const got: Lock[] = [];
    const asked = ['k:0', 'k:1', 'k:2'].map(async (key) => {
      const lock = await manager.acquire(key);
      got.push(lock);
      return lock;
    });
    const refused = manager.tryAcquire('k:3');

    expect(await refused).toBeNull();
    await eventually(() => expect(got.map(({ key }) => key).sort()).toEqual(['k:0', 'k:2']));
    await Promise.all(held.map((lock) => lock.release()));

    const locks = await Promise.all(asked);
    expect(locks.map(({ key }) => key)).toEqual(['k:0', 'k:1', 'k:2']);
    await Promise.all(locks.map((lock) => lock.release()));
  });

  it('are handed over when they are released together', async () => {
    const keys = keysOf(10);
    const locks = await Promise.all(keys.map((key) => manager.acquire(key)));
    const waiting = keys.filter((_, i) => i % 2 === 0).map((key) => other.acquire(key));
    for (const [i, key] of keys.entries())
      if (i % 2 === 0)
        await eventually(async () => expect(await redis.exists(`lock:!q:{lock:${key}}`)).toBe(1));
    await redis.config('RESETSTAT');

    await Promise.all(locks.map((lock) => lock.release()));
    const handed = await Promise.all(waiting);

    expect(await scripts(redis)).toBe(1);
    expect(handed.map(({ key }) => key)).toEqual(['k:0', 'k:2', 'k:4', 'k:6', 'k:8']);
    await Promise.all(handed.map((lock) => lock.release()));
  });

  it('do not spoil each other: a key of another type is one fault', async () => {
    await redis.hset('lock:k:1', 'field', 'value');

    const asked = await Promise.allSettled(keysOf(3).map((key) => manager.acquire(key)));

    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((asked[1] as PromiseRejectedResult).reason).toMatchObject({
      code: 'LOCK_CONFIG',
      keys: ['k:1'],
    });
    for (const each of asked) if (each.status === 'fulfilled') await each.value.release();
    expect(await redis.keys('lock:[^!]*')).toEqual(['lock:k:1']);
  });

  it('do not spoil each other: a queue of another type is one release that failed', async () => {
    const locks = await Promise.all(keysOf(3).map((key) => manager.acquire(key)));
    await redis.set('lock:!q:{lock:k:1}', 'value', 'PX', 60_000);

    const outcomes = await Promise.allSettled(locks.map((lock) => lock.release()));

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await redis.keys('lock:[^!]*')).toEqual(['lock:k:1']);
  });

  it('keep their order where one key is given back and asked for again', async () => {
    const lock = await manager.acquire('k');
    await redis.config('RESETSTAT');

    const released = lock.release();
    const again = await manager.acquire('k');

    expect(await released).toBe('released');
    expect(await scripts(redis)).toBe(2);
    expect(again.fencingToken).toBeGreaterThan(lock.fencingToken);
    await again.release();
  });

  it('are all told when Redis refuses', async () => {
    await redis.config('SET', 'maxmemory', '1');

    const asked = await Promise.allSettled(keysOf(3).map((key) => manager.tryAcquire(key)));

    for (const [i, each] of asked.entries())
      expect((each as PromiseRejectedResult).reason).toMatchObject({
        code: 'LOCK_UNAVAILABLE',
        keys: [`k:${i}`],
      });
    await redis.config('SET', 'maxmemory', '0');
    expect(await redis.keys('lock:[^!]*')).toEqual([]);
  });
});
