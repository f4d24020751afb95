import { describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { inOrder } from '../../../lib/redis/quorum/arithmetic.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisQuorum } from '../../support/redis-quorum.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { timed } from '../../support/timed.js';

const OPTIONS = { commandTimeout: 5000, wait: 30_000 };

/** Servers of a test's own, links of one process to them, and a key that the first one coordinates. */
async function setUp(count: number) {
  const { servers, urls } = closing(await RedisQuorum.start(count));
  const links = await Promise.all(
    servers.map(async ({ port }) => closing(await TcpProxy.start(port))),
  );
  const clients = urls.map((url) => openClient(url));
  let key = '';
  for (let n = 0; inOrder(urls, key)[0] !== urls[0]; n += 1) key = `k${n}`;
  const holders = async () => Promise.all(clients.map((client) => client.get(`lock:${key}`)));
  const linked = () =>
    openManager(
      links.map(({ url }) => url),
      OPTIONS,
    );
  const direct = () => openManager(urls, OPTIONS);
  /** Resolves when so many processes wait, and their holder has heard of it. */
  const waiting = async (processes: number) => {
    const queue = `lock:!q:{lock:${key}}`;
    await eventually(async () => expect(await clients[0]!.zcard(queue)).toBe(processes));
    await clients[0]!.ping();
    await clients[0]!.ping();
  };
  /** The lock of one process, and what the other one that waits for it gets. */
  const contest = async (a: LockManager, b: LockManager) => {
    const lock = await a.acquire(key);
    const next = b.acquire(key);
    await waiting(1);
    return { lock, next };
  };
  return { key, servers, urls, links, clients, holders, linked, direct, waiting, contest };
}

describe('a lock of a quorum that another process waits for', () => {
  it.each([['the other nodes tell', [1, 2]]])(
    'passes on though the next holder does not hear what %s',
    async (_, deaf) => {
      const { links, linked, direct, contest } = await setUp(3);
      const { lock, next } = await contest(direct(), linked());
      for (const at of deaf)
        for (const link of links[at]!.openConnections) if (link.isSubscriber) link.swallow();

      await lock.release();

      const { ms, value } = await timed(next);
      // Not the 2 s of its claim at the coordinator, nor the 2.5 s between two polls.
      expect(ms).toBeLessThan(1000 + NOISE_MS);
      expect(await value!.release()).toBe('released');
    },
  );

  it('goes to the next one when the first gives up while it comes free', async () => {
    const { key, holders, direct, waiting } = await setUp(3);
    const [a, b, c] = [direct(), direct(), direct()];
    for (let i = 0; i < 20; i += 1) {
      const lock = await a.acquire(key);
      const abort = new AbortController();
      const first = b.acquire(key, { signal: abort.signal }).then(
        (got) => got.release(),
        () => undefined,
      );
      await waiting(1);
      const next = c.acquire(key);
      await waiting(2);

      const released = lock.release();
      if (i % 2 === 0) await Promise.resolve();
      abort.abort();

      const { ms, value } = await timed(next);
      expect(ms).toBeLessThan(500 + NOISE_MS);
      await Promise.all([released, first, value!.release()]);
    }
    await eventually(async () => expect(await holders()).toEqual([null, null, null]));
  });

  it.each([15, 30, 150])(
    'passes on though the coordinator hears %i ms later of the release than the others',
    async (late) => {
      const { servers, links, linked, contest } = await setUp(3);
      const slow = closing(await TcpProxy.start(links[0]!.port));
      const a = openManager([slow.url, links[1]!.url, links[2]!.url], OPTIONS);
      const { lock, next } = await contest(a, linked());
      for (const link of links) link.delayReplies(20);
      slow.delayRequests(late);
      // No vote to spare: then the waiter would sleep for 2.5 s.
      await servers[2]!.kill();

      await lock.release();

      const { ms, value } = await timed(next);
      expect(ms).toBeLessThan(1000 + NOISE_MS);
      await value!.release();
    },
  );

  it('counts on a vote that was given back once and has come again', async () => {
    const { key, servers, urls, clients, holders, direct, waiting } = await setUp(3);
    const a = direct();
    const b = openManager(urls, { ...OPTIONS, ttl: 900 });
    const lock = await a.acquire(key);
    // Two of the three are enough to hold it: the third may be late.
    await eventually(async () => expect(new Set(await holders()).size).toBe(1));
    // The next holder is given it at first, before it has to wait.
    await clients[1]!.del(`lock:${key}`);
    const next = b.acquire(key);
    await waiting(1);
    await eventually(async () => expect((await holders())[1]).toBeNull());
    await lock.release();
    const held = await next;
    await eventually(async () => expect(new Set(await holders()).size).toBe(1));

    await servers[2]!.kill();
    const until = performance.now() + 2000;
    await eventually(() => expect(performance.now()).toBeGreaterThan(until));

    expect(held.signal.aborted).toBe(false);
  });

  it('passes on at once though another node hangs', async () => {
    const { servers, clients, direct, contest } = await setUp(3);
    const { lock, next } = await contest(direct(), direct());
    const coordinator = clients[0]!;
    const scriptsRun = async (): Promise<number> =>
      Number(/evalsha:calls=(\d+)/.exec(await coordinator.info('commandstats'))?.[1]);
    servers[2]!.pause();
    const before = await scriptsRun();
    // The waiter asks for its place, and then all nodes for the holder.
    await eventually(async () => expect(await scriptsRun()).toBeGreaterThan(before + 1));

    const released = lock.release();

    const { ms, value } = await timed(next);
    expect(ms).toBeLessThan(1000 + NOISE_MS);
    servers[2]!.resume();
    await released;
    await value!.release();
  });

  it('passes on though a node at which nobody waits says so', async () => {
    const { key, urls, clients, holders, direct, waiting } = await setUp(3);
    const a = openManager(urls, { ...OPTIONS, localHandoffs: 0 });
    const lock = await a.acquire(key);
    const next = direct().acquire(key);
    await waiting(1);
    const own = a.acquire(key);
    const [token] = await holders();
    const note = `wanted 0 ${token} lock:${key}`;
    expect(await clients[1]!.publish(`lock:!g:${token!.slice(0, 16)}`, note)).toBe(1);
    for (let i = 0; i < 5; i += 1) await clients[1]!.ping();

    await lock.release();

    const first = await Promise.race([next.then(() => 'next'), own.then(() => 'own')]);
    expect(first).toBe('next');
    await (await next).release();
    await (await own).release();
  });

  it('is free for all when the only one that waited has given up', async () => {
    const { key, direct, waiting } = await setUp(3);
    const [a, b, c] = [direct(), direct(), direct()];
    const tryAfterwards = async (): Promise<void> => {
      const lock = await a.acquire(key);
      const abort = new AbortController();
      const first = b.acquire(key, { signal: abort.signal }).catch(() => undefined);
      await waiting(1);
      abort.abort();
      await first;
      await waiting(0);
      await lock.release();
      const tried = await c.tryAcquire(key);
      await tried?.release();
      if (tried === null) throw new Error('Somebody has it who has given up.');
    };

    // What the holder hears may be late on a machine that is busy for a moment.
    await eventually(tryAfterwards, { within: 10_000 });
  });
});
