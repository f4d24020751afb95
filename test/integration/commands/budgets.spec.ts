import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { systemClock } from '../../../lib/engine/time/clock.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { MemorySpace } from '../../../lib/memory/memory-space.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { timed } from '../../support/timed.js';

/** A server of its own with processes that have locked before: scripts are loaded, channels subscribed. */
async function setUp(count: number): Promise<{ redis: Redis; managers: LockManager[] }> {
  const server = closing(await RedisServer.start());
  const redis = openClient(server.url);
  const managers = Array.from({ length: count }, () => openManager(server.url));
  for (const manager of managers) await manager.withLock('warm-up', () => {});
  await eventually(async () => expect(await redis.pubsub('CHANNELS', '*')).toHaveLength(count));
  return { redis, managers };
}

/** Calls of each command since `CONFIG RESETSTAT`, those of the observer left out. */
async function calls(redis: Redis): Promise<{ scripts: number; all: number }> {
  const stats = await redis.info('commandstats');
  const counts = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)]
    .map(([, name, count]) => ({ name: String(name), count: Number(count) }))
    .filter(({ name }) => !/^(config|info|client|zcard$|ping)/.test(name));
  const sum = (of: (name: string) => boolean): number =>
    counts.reduce((total, { name, count }) => total + (of(name) ? count : 0), 0);
  return { scripts: sum((name) => name.startsWith('eval')), all: sum(() => true) };
}

describe('commands', () => {
  it('are two scripts for a lock that nobody contends for, of four and three commands', async () => {
    const { redis, managers } = await setUp(1);
    await redis.config('RESETSTAT');

    for (let i = 0; i < 20; i += 1) await managers[0]!.withLock(`k${i}`, () => {});

    const { scripts, all } = await calls(redis);
    expect(scripts).toBe(2 * 20);
    expect(all).toBeLessThanOrEqual((2 + 4 + 3) * 20);
  });

  it('are two scripts for each lock that passes between processes', async () => {
    const { redis, managers } = await setUp(4);
    await redis.config('RESETSTAT');
    const lock = await managers[0]!.acquire('k');
    const next: Promise<unknown>[] = [];
    for (const [i, manager] of managers.slice(1).entries()) {
      next.push(manager.withLock('k', () => {}));
      await eventually(async () => expect(await redis.zcard('lock:!q:{lock:k}')).toBe(i + 1));
    }

    await lock.release();
    await Promise.all(next);

    expect((await calls(redis)).scripts).toBe(2 * 4);
  });

  it('are none for a lock that passes on within its process, but now and then', async () => {
    const { redis, managers } = await setUp(1);
    await redis.config('RESETSTAT');

    await Promise.all(Array.from({ length: 200 }, () => managers[0]!.withLock('k', () => {})));

    expect((await calls(redis)).scripts).toBeLessThanOrEqual(10);
  });

  it('are at most 250 for 50 callers of one process, in order and without a gap (A12)', async () => {
    const { redis, managers } = await setUp(1);
    const order: number[] = [];
    const entries: number[] = [];
    const exits: number[] = [];
    await redis.config('RESETSTAT');

    const callers: Promise<unknown>[] = [];
    for (let i = 0; i < 50; i += 1) {
      callers.push(
        managers[0]!.withLock('k', async () => {
          entries.push(performance.now());
          order.push(i);
          await sleep(20);
          exits.push(performance.now());
        }),
      );
      await sleep(2);
    }
    await Promise.all(callers);

    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
    // 1150 ms for 50 sections of 20 ms: what lies between two of them may take 3 ms.
    const gaps = entries.slice(1).map((at, i) => at - exits[i]!);
    expect(gaps.sort((x, y) => x - y)[24]).toBeLessThan(3);
    expect(gaps.reduce((sum, gap) => sum + gap)).toBeLessThan(150 + NOISE_MS);
    expect((await calls(redis)).all).toBeLessThanOrEqual(250);
  });

  it('of a process that waits are at most one every 2.5 s', async () => {
    const { redis, managers } = await setUp(2);
    await managers[0]!.acquire('k', { ttl: 120_000 });
    const controller = new AbortController();
    const waiting = Array.from({ length: 10 }, () =>
      timed(managers[1]!.acquire('k', { wait: 60_000, signal: controller.signal })),
    );
    await eventually(async () => expect(await redis.zcard('lock:!q:{lock:k}')).toBe(1));
    await redis.config('RESETSTAT');

    await sleep(5200);

    expect((await calls(redis)).scripts).toBeLessThanOrEqual(2);
    controller.abort();
    await Promise.all(waiting);
  });

  it('to renew a thousand locks are a few: one for hundreds of them', async () => {
    const { redis, managers } = await setUp(1);
    for (let from = 0; from < 1000; from += 100) {
      const keys = Array.from({ length: 100 }, (_, i) => `k${from + i}`);
      await Promise.all(keys.map((key) => managers[0]!.acquire(key, { ttl: 9000 })));
    }
    await redis.config('RESETSTAT');

    await sleep(6500);

    const { scripts } = await calls(redis);
    // Two renewals of each lock, 200 of them or those of one moment in a batch.
    expect(scripts).toBeGreaterThan(0);
    expect(scripts).toBeLessThan(120);
    expect(await redis.dbsize()).toBe(1001);
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };

  it('keeps no entry of 10 000 keys that were used once (A28)', async () => {
    const manager = openManager(new MemorySpace(systemClock), { shutdownTimeout: 60_000 });
    const use = async (from: number, to: number): Promise<void> => {
      const lanes = Array.from({ length: 20 }, (_, lane) => useOneByOne(from + lane, to));
      await Promise.all(lanes);
    };
    const useOneByOne = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i += 20) {
        const key = `${i}:`.padEnd(400, 'x');
        await manager.withLock(key, () => {});
        if (i % 10 === 0) {
          const lock = await manager.acquire(key);
          await timed(manager.acquire(key, { wait: 0 }));
          const waiting = manager.acquire(key);
          await lock.release();
          await (await waiting).release();
        }
      }
    };
    await use(0, 1000);
    const before = heap();

    await use(1000, 11_000);

    // The keys alone are 4 MB. What runs beside this frees its memory a moment later.
    await eventually(() => expect(heap() - before).toBeLessThan(1_000_000));
    // A key that is still known would keep the shutdown waiting for a minute.
    expect((await timed(manager.drain())).ms).toBeLessThan(NOISE_MS);
  });

  it('keeps no entry of keys that failed, were aborted or lost', async () => {
    const { redis, managers } = await setUp(2);
    const [a, b] = managers as [LockManager, LockManager];
    for (let i = 0; i < 50; i += 1) {
      const held = await b.acquire(`k${i}`);
      await timed(a.acquire(`k${i}`, { wait: 1 }));
      await timed(a.tryAcquire(`k${i}`));
      await timed(a.acquire(`k${i}`, { signal: AbortSignal.abort() }));
      await held.release();
      const lost = await a.acquire(`k${i}`);
      await redis.del(`lock:k${i}`);
      await lost.release();
      await redis.rpush(`lock:k${i}`, 'x');
      await timed(a.acquire(`k${i}`));
    }

    a.stopWaiting();
    expect((await timed(a.drain())).ms).toBeLessThan(NOISE_MS);
  });

  it('of Redis for a lock that is held is at most 200 bytes above a plain SET', async () => {
    const { redis, managers } = await setUp(1);
    const keys = Array.from({ length: 2000 }, (_, i) => `order:${i}`);
    const used = async (): Promise<number> => {
      const [, bytes] = /used_memory:(\d+)/.exec(await redis.info('memory')) ?? [];
      return Number(bytes);
    };
    const grownBy = async (fill: () => Promise<unknown>): Promise<number> => {
      const before = await used();
      await fill();
      return ((await used()) - before) / keys.length;
    };
    const plain = await grownBy(() =>
      Promise.all(keys.map((key) => redis.set(`lock:${key}`, 'a'.repeat(22), 'PX', 30_000, 'NX'))),
    );
    await redis.flushall();

    const ours = await grownBy(() =>
      Promise.all(keys.map((key) => managers[0]!.acquire(key, { wait: '1m' }))),
    );

    expect(ours - plain).toBeLessThanOrEqual(200);
    expect(await redis.dbsize()).toBe(keys.length + 1);
  });
});
