import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { afterTest } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisSentinel } from '../../support/redis-sentinel.js';
import { uniquePrefix } from '../../support/shared-redis.js';
import { Traffic } from '../../support/traffic.js';

const KEYS = ['order:1', 'order:2', 'order:3'];

let group: RedisSentinel;

beforeAll(async () => {
  group = await RedisSentinel.start();
}, 120_000);

afterAll(() => group.stop());

/** Two processes: one by options, one by a client that the user made. */
function openManagers(keyPrefix: string) {
  const client = new Redis({ ...group.options, disconnectTimeout: 0 });
  client.on('error', () => {});
  afterTest(() => client.disconnect());
  return [openManager(group.options, { keyPrefix }), openManager(client, { keyPrefix })];
}

/** Goes on by itself within twice the time of the failover, counted from its cause, or soon. */
async function expectToGoOn(traffic: Traffic, failover: number): Promise<void> {
  traffic.mark();
  await traffic.flows(Math.max(failover, 5000) + NOISE_MS);
}

describe('a failover by Sentinel under load (A32)', () => {
  it('is ridden out when it is planned', async () => {
    const traffic = new Traffic(openManagers(uniquePrefix()), KEYS);
    await traffic.flows();

    const failover = await group.failover();
    await expectToGoOn(traffic, failover);
    traffic.mark();
    await traffic.flows();
    await traffic.stop();

    expect(traffic).toMatchObject({ errors: [], inversions: 0 });
    await group.settle();
  }, 300_000);

  it('is ridden out when the primary dies', async () => {
    const traffic = new Traffic(openManagers(uniquePrefix()), KEYS);
    await traffic.flows();
    const primary = await group.primary();

    await primary.kill();
    const failover = await group.failedOver(primary);
    await expectToGoOn(traffic, failover);
    traffic.mark();
    await traffic.flows();
    await traffic.stop();

    expect(traffic).toMatchObject({ errors: [], inversions: 0 });
    await primary.restart();
    await group.settle();
  }, 300_000);

  it('is ridden out when the primary hangs, and comes back as a replica', async () => {
    const traffic = new Traffic(openManagers(uniquePrefix()), KEYS);
    await traffic.flows();
    const primary = await group.primary();

    primary.pause();
    const failover = await group.failedOver(primary);
    await expectToGoOn(traffic, failover);
    primary.resume();
    traffic.mark();
    await traffic.flows();
    await traffic.stop();

    expect(traffic).toMatchObject({ errors: [], inversions: 0 });
    await group.settle();
  }, 300_000);

  it('keeps the locks that are held, and renews them at once', async () => {
    const [manager] = openManagers(uniquePrefix());
    const locks = await Promise.all(KEYS.map((key) => manager!.acquire(key, { ttl: 120_000 })));
    const client = openClient((await group.primary()).url);
    await client.set(uniquePrefix(), 'written after the locks');
    expect(await client.wait(2, 20_000)).toBe(2);

    await group.failover();
    // Until then the old primary takes releases, and forgets them.
    await group.settle();

    // The next renewal in its turn would come after 40 s.
    await eventually(
      () => {
        for (const lock of locks) expect(lock.remainingMs).toBeGreaterThan(117_000);
      },
      { within: 20_000 },
    );
    for (const lock of locks) expect(await lock.release()).toBe('released');
    await group.settle();
  }, 300_000);

  it('keeps locks of every kind, and what they exclude', async () => {
    const [one, two] = openManagers(uniquePrefix());
    const long = { ttl: 120_000 };
    const locks = [
      await one!.acquire('read', { ...long, mode: 'shared' }),
      await two!.acquire('read', { ...long, mode: 'shared' }),
      await one!.acquire('permit', { ...long, permits: 2 }),
      await two!.acquire('permit', { ...long, permits: 2 }),
      await one!.acquire(['from', 'to'], long),
    ];
    const client = openClient((await group.primary()).url);
    await client.set(uniquePrefix(), 'written after the locks');
    expect(await client.wait(2, 20_000)).toBe(2);

    await group.failover();
    // Until then the old primary takes releases, and forgets them.
    await group.settle();

    await eventually(
      () => {
        for (const lock of locks) expect(lock.remainingMs).toBeGreaterThan(117_000);
      },
      { within: 20_000 },
    );
    expect(await two!.tryAcquire('read')).toBeNull();
    expect(await two!.tryAcquire('permit', { permits: 2 })).toBeNull();
    for (const key of ['from', 'to']) expect(await two!.tryAcquire(key)).toBeNull();
    for (const lock of locks) expect(await lock.release()).toBe('released');
    await (await two!.acquire(['from', 'permit', 'read', 'to'])).release();
    await group.settle();
  }, 300_000);
});
