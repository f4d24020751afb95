import { describe, expect, it } from '@jest/globals';

import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisQuorum } from '../../support/redis-quorum.js';
import { timed } from '../../support/timed.js';

const TTL = 3000;

/** Waits until the present second has so much behind it: servers tell their age in whole seconds. */
async function second(from: number, to: number): Promise<void> {
  await eventually(
    () => {
      const ms = Date.now() % 1000;
      if (ms < from || ms >= to) throw new Error(`${ms} ms of the second have passed.`);
    },
    { every: 5 },
  );
}

describe('a node that has restarted without its data, for a process that starts after it', () => {
  it('has no vote until every lease that it may have forgotten has ended', async () => {
    const { servers, urls } = closing(await RedisQuorum.start(3));
    const clients = urls.map((url) => openClient(url));
    const holder = openManager(urls);
    await holder.withLock('warm-up', () => {});
    // Only a server that is younger than most others is known to be one that has restarted.
    await eventually(async () => {
      for (const client of clients)
        expect(
          Number(/uptime_in_seconds:(\d+)/.exec(await client.info('server'))?.[1]),
        ).toBeGreaterThanOrEqual(4);
    });
    await second(800, 950);
    const lock = await holder.acquire('k', { ttl: TTL, renew: false });
    // The third node has not voted for it.
    await eventually(async () => expect(await clients[2]!.del('lock:k')).toBe(1));
    await servers[0]!.restart();
    await second(0, 500);

    const other = await openManager(urls, { ttl: TTL }).acquire('k', { wait: 30_000 });

    expect(lock.remainingMs).toBe(0);
    expect(other.fencingToken).toBeGreaterThan(lock.fencingToken);
  });
});

describe('a node that has restarted without its data, for a caller with a shorter lease than the holder', () => {
  it.each([[false], [true]])(
    'has no vote as long as the holder has a node (which renews: %s)',
    async (renew) => {
      const { servers, urls } = closing(await RedisQuorum.start(3));
      const clients = urls.map((url) => openClient(url));
      const [holder, other] = [
        openManager(urls, { commandTimeout: 400 }),
        openManager(urls, { ttl: 1000 }),
      ];
      for (const manager of [holder, other]) await manager.withLock('warm-up', () => {});
      servers[2]!.pause();
      const lock = await holder.acquire('k', { ttl: 30_000, renew });
      servers[2]!.resume();
      await eventually(async () => void (await clients[2]!.del('lock:k')));
      await servers[1]!.restart();
      // Older than the lease that the other one asks for.
      await eventually(
        async () =>
          expect(
            Number(/uptime_in_seconds:(\d+)/.exec(await clients[1]!.info('server'))?.[1]),
          ).toBeGreaterThanOrEqual(3),
        { within: 10_000 },
      );

      const { value, error } = await timed(other.acquire('k', { wait: 2500 }));

      expect(value === undefined || lock.signal.aborted).toBe(true);
      if (value === undefined)
        expect(error).toMatchObject({ code: expect.stringMatching(/LOCK_/) });
    },
  );
});

describe('nodes that restart one after another, while a majority is up', () => {
  it('leave a held lock held', async () => {
    const { servers, urls } = closing(await RedisQuorum.start(3));
    const manager = openManager(urls, { ttl: 2000, commandTimeout: 500 });
    const lock = await manager.acquire('k');
    const token = await openClient(urls[0]!).get('lock:k');

    for (const [at, server] of servers.entries()) {
      await server.restart();
      const client = openClient(urls[at]!);
      await eventually(async () => expect(await client.get('lock:k')).toBe(token), {
        within: 6000 + NOISE_MS,
      });
      expect(lock.signal.aborted).toBe(false);
    }

    expect(await lock.release()).toBe('released');
    const next = await openManager(urls, { ttl: 2000 }).acquire('k', { wait: 30_000 });
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
  });
});

describe('most nodes having restarted one after another', () => {
  it('makes a free lock unavailable for a while, which says of whom, and busy for nobody', async () => {
    const { servers, urls } = closing(await RedisQuorum.start(3));
    const managers = [1, 2].map(() => openManager(urls, { ttl: 30_000 }));
    for (const manager of managers) await manager.withLock('warm-up', () => {});
    for (const server of servers.slice(0, 2)) {
      await server.restart();
      for (const { viewer } of managers)
        await eventually(async () => expect((await viewer.health()).quorum?.silent).toEqual([]));
    }
    const calls = managers.flatMap((manager) => [
      ...[500, 700, 1500].map((wait) => timed(manager.acquire('k', { wait }))),
      timed(manager.tryAcquire('k')),
    ]);

    for (const { error } of await Promise.all(calls))
      expect(error).toMatchObject({
        code: 'LOCK_UNAVAILABLE',
        message: expect.stringContaining('of which 2 may not vote yet'),
        nodes: expect.arrayContaining(urls.slice(0, 2).map((url) => new URL(url).host)),
      });
  });
});

describe('a node whose user may not ask who it is', () => {
  it('is an error that says what to grant, before anything is locked', async () => {
    const { urls } = closing(await RedisQuorum.start(3));
    await openClient(urls[1]!).call(
      'ACL',
      'SETUSER',
      'locks',
      'on',
      '>pw',
      'allkeys',
      'allchannels',
      '+@all',
      '-info',
    );
    const blind = urls[1]!.replace('redis://', 'redis://locks:pw@');
    const manager = openManager([urls[0]!, blind, urls[2]!]);

    const { error } = await timed(manager.acquire('k'));

    expect(error).toMatchObject({ code: 'LOCK_CONFIG', message: expect.stringContaining('+info') });
    expect((error as Error).message).not.toContain('pw');
  });
});

describe('a waiter whose holder has a minority left, while the third node may not vote', () => {
  it('does not ask all the time', async () => {
    const { servers, urls } = closing(await RedisQuorum.start(3));
    const clients = urls.map((url) => openClient(url));
    const [holder, other] = [openManager(urls), openManager(urls)];
    for (const manager of [holder, other]) await manager.withLock('warm-up', () => {});
    await holder.acquire('k', { renew: false });
    await eventually(async () => void (await clients[2]!.del('lock:k')));
    await servers[1]!.restart();
    const scripts = async (): Promise<number> => {
      const stats = await Promise.all(clients.map((client) => client.info('commandstats')));
      return stats
        .map((text) => Number(/evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0))
        .reduce((sum, calls) => sum + calls, 0);
    };
    await eventually(async () => expect(await clients[1]!.ping()).toBe('PONG'));
    const before = await scripts();

    await timed(other.acquire('k', { wait: 5000 }));

    expect((await scripts()) - before).toBeLessThan(135);
  });
});
