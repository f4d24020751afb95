import { describe, expect, it } from '@jest/globals';

import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { timed } from '../../support/timed.js';

const AB = ['a', 'b'];

/** A manager behind a network of its own, and what stands in Redis of its locks. */
async function start() {
  const keyPrefix = uniquePrefix();
  const url = sharedRedisUrl();
  const proxy = closing(await TcpProxy.start(Number(new URL(url).port)));
  const manager = openManager(proxy.url, { keyPrefix });
  await manager.withLock('warm-up', () => {});
  const client = openClient(url);
  const left = async (): Promise<string[]> =>
    (await client.keys(`${keyPrefix}*`)).filter((key) => key !== `${keyPrefix}!fence`);
  return { proxy, manager, keyPrefix, left };
}

describe('several keys', () => {
  it.each([
    ['exclusively', {}],
    ['shared', { mode: 'shared' }],
    ['as a semaphore', { permits: 2 }],
  ] as const)('%s are held when the answer that gave them was lost (A1)', async (_, kind) => {
    const { proxy, manager, keyPrefix, left } = await start();
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });

    const { value: lock } = await timed(manager.acquire(AB, { ...kind, wait: 10_000 }));

    await cut;
    expect(lock?.remainingMs).toBeGreaterThan(20_000);
    expect(await left()).toEqual(expect.arrayContaining(AB.map((key) => keyPrefix + key)));
    expect(await lock?.release()).toBe('released');
    await eventually(async () => expect(await left()).toEqual([]));
  });

  it('are released when the answer to that was lost, and nothing is left', async () => {
    const { proxy, manager, left } = await start();
    const lock = await manager.acquire(AB);
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });

    expect(await lock.release()).toBe('released');

    await cut;
    await eventually(async () => expect(await left()).toEqual([]));
  });

  it('end by their wait as unavailable when Redis does not answer (A11), and leave nothing', async () => {
    const { proxy, manager, left } = await start();
    proxy.blackHole();

    const waiting = await timed(manager.acquire(AB, { wait: 700 }));
    const once = await timed(manager.tryAcquire(AB));

    for (const { error } of [waiting, once])
      expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE', keys: AB });
    expect(waiting.ms).toBeLessThan(700 + 150 + NOISE_MS);
    expect(once.ms).toBeLessThan(1000 + 150 + NOISE_MS);
    await proxy.pass();
    proxy.dropConnections();
    await eventually(async () => expect(await left()).toEqual([]));
  });

  it('end by their wait when Redis falls silent while one of them is waited for', async () => {
    const { proxy, manager, keyPrefix, left } = await start();
    const busy = await openManager(sharedRedisUrl(), { keyPrefix }).acquire('b');
    const waiting = timed(manager.acquire(AB, { wait: 3000 }));
    await eventually(async () => expect(await left()).toContain(`${keyPrefix}a`));
    proxy.blackHole();

    const { error, ms } = await waiting;

    expect(error).toMatchObject({ keys: AB });
    expect(ms).toBeLessThan(3000 + 150 + NOISE_MS);
    await proxy.pass();
    proxy.dropConnections();
    await busy.release();
    await eventually(async () => expect(await left()).toEqual([]));
  });
});
