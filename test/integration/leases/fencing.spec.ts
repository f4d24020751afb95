import { describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisServer } from '../../support/redis-server.js';

/** Fencing numbers in the order of the grants (A9, I2). */
function expectRising(numbers: readonly number[]): void {
  for (const [i, number] of numbers.entries()) {
    expect(Number.isSafeInteger(number)).toBe(true);
    if (i > 0) expect(number).toBeGreaterThan(numbers[i - 1]!);
  }
}

async function setUp(count: number): Promise<[RedisServer, ...LockManager[]]> {
  const server = closing(await RedisServer.start());
  const managers = Array.from({ length: count }, () => openManager(server.url));
  for (const manager of managers) await manager.withLock('warm-up', () => {});
  return [server, ...managers];
}

describe('fencing numbers', () => {
  it('rise through free grants, local hand-overs and hand-overs between processes (A9)', async () => {
    const [, ...managers] = await setUp(3);
    const numbers: number[] = [];

    await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        managers[i % 3]!.withLock('k', ({ fencingToken }) => void numbers.push(fencingToken)),
      ),
    );

    expect(numbers).toHaveLength(300);
    expectRising(numbers);
  });

  it('are the same within one hold: re-entry is the same holder', async () => {
    const [, manager] = await setUp(1);

    await manager!.withLock('k', (outer) =>
      manager!.withLock('k', (inner) => expect(inner.fencingToken).toBe(outer.fencingToken)),
    );
  });

  it('rise across the end of a lease, a forced release and a DEL from outside', async () => {
    const [server, a, b] = await setUp(2);
    const redis = openClient(server.url);
    const numbers = [(await a!.acquire('k', { ttl: 100, renew: false })).fencingToken];
    numbers.push((await b!.acquire('k')).fencingToken);
    await b!.forceRelease('k');
    numbers.push((await a!.acquire('k')).fencingToken);
    await redis.del('lock:k');
    numbers.push((await b!.acquire('k')).fencingToken);

    expectRising(numbers);
  });

  it('rise across FLUSHALL and a restart that lost everything', async () => {
    const [server, a, b] = await setUp(2);
    const redis = openClient(server.url);
    const numbers: number[] = [];
    const take = async (manager: LockManager, crowd: number): Promise<void> => {
      const calls = Array.from({ length: crowd }, () =>
        manager.withLock('k', ({ fencingToken }) => void numbers.push(fencingToken)),
      );
      await Promise.all(calls);
    };
    await take(a!, 50);
    for (let i = 0; i < 5; i += 1) {
      await redis.flushall();
      await take(b!, 20);
      await redis.flushall();
      await take(a!, 1);
    }
    await server.restart();
    await take(a!, 1);
    await take(b!, 10);

    expect(numbers).toHaveLength(50 + 5 * 21 + 11);
    expectRising(numbers);
  });

  it('do not run ahead of Redis’ clock, so that they rise again when the counter is lost', async () => {
    const [server, a] = await setUp(1);
    const redis = openClient(server.url);
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    const endsAt = performance.now() + 500;
    while (performance.now() < endsAt) {
      await Promise.all([...keys, ...keys].map((key) => a!.withLock(key, () => {})));
    }

    const [seconds, micros] = await redis.time();
    const clock = Number(seconds) * 1e6 + Number(micros);
    expect(Number(await redis.get('lock:!fence')) - clock).toBeLessThan(1000);
  });

  it('are minted with the grant: the counter is never behind a holder', async () => {
    const [server, a] = await setUp(1);
    const redis = openClient(server.url);

    const lock = await a!.acquire('k');

    expect(Number(await redis.get('lock:!fence'))).toBe(lock.fencingToken);
  });

  it('are no proof of being the holder: a lost lock is lost whatever its number', async () => {
    const [server, a] = await setUp(1);
    const redis = openClient(server.url);
    const lock = await a!.acquire('k');
    await redis.set('lock:!fence', '1');
    await redis.set('lock:k', 'somebody else');

    expect(await lock.release()).toBe('lost');

    expect(await redis.get('lock:k')).toBe('somebody else');
  });

  it('rise though the counter was set back, to the clock', async () => {
    const [server, a] = await setUp(1);
    const redis = openClient(server.url);
    const before = await a!.withLock('k', ({ fencingToken }) => fencingToken);
    await redis.set('lock:!fence', '1');

    expectRising([before, await a!.withLock('k', ({ fencingToken }) => fencingToken)]);
  });

  it('rise though the counter is far ahead of the clock: from there', async () => {
    const [server, a, b] = await setUp(2);
    const redis = openClient(server.url);
    const ahead = (Date.now() + 3_600_000) * 1000;
    await redis.set('lock:!fence', String(ahead));
    const numbers = [ahead];
    for (const manager of [a!, b!, a!])
      numbers.push(await manager.withLock('k', ({ fencingToken }) => fencingToken));

    expectRising(numbers);
    await eventually(async () =>
      expect(Number(await redis.get('lock:!fence'))).toBe(numbers.at(-1)),
    );
  });
});
