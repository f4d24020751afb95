import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { inOrder } from '../../../lib/redis/quorum/arithmetic.js';
import { TokenMint } from '../../../lib/engine/store/token.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisQuorum, sharedQuorum } from '../../support/redis-quorum.js';
import type { RedisServer } from '../../support/redis-server.js';
import { uniquePrefix } from '../../support/shared-redis.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { timed } from '../../support/timed.js';

const shared = sharedQuorum(5);
const COMMAND_TIMEOUT = 1500;
/** What a node that hangs may cost the first call, and no other. */
const FIRST_TRY = COMMAND_TIMEOUT + NOISE_MS;

/** Servers of a test's own, and what they hold under a key. */
async function ownQuorum(count: number) {
  const { servers, urls } = closing(await RedisQuorum.start(count));
  const held = async (key: string): Promise<(string | null)[]> =>
    Promise.all(
      urls.map((url) =>
        openClient(url)
          .get(`lock:${key}`)
          .catch(() => null),
      ),
    );
  return { servers, urls, held };
}

async function warm(...managers: LockManager[]): Promise<void> {
  for (const manager of managers) await manager.withLock('warm-up', () => {});
}

/** A key for which the server at `index` coordinates. */
function keyCoordinatedBy(index: number, servers: readonly RedisServer[]): string {
  for (let n = 0; ; n += 1) if (inOrder(servers, `k${n}`)[0] === servers[index]) return `k${n}`;
}

describe('a quorum of five', () => {
  it('takes and gives back a free lock with one command to each node', async () => {
    const manager = openManager(shared().urls.slice(), { keyPrefix: uniquePrefix() });
    await warm(manager);
    const clients = shared().urls.map((url) => openClient(url));
    const calls = async (): Promise<number[]> =>
      Promise.all(
        clients.map(async (client) => {
          const [, count = 0] = /evalsha:calls=(\d+)/.exec(await client.info('commandstats')) ?? [];
          return Number(count);
        }),
      );
    const before = await calls();

    await (await manager.acquire('k')).release();

    await eventually(async () => expect(await calls()).toEqual(before.map((count) => count + 2)));
  });

  it('serves every caller of several processes, one at a time, with rising numbers', async () => {
    const keyPrefix = uniquePrefix();
    const managers = Array.from({ length: 4 }, () => openManager(shared().urls, { keyPrefix }));
    let inside = 0;
    const fences: number[] = [];
    const served = managers.map(() => [0, 0, 0, 0]);
    const call = async (manager: LockManager, m: number, c: number): Promise<void> => {
      for (let i = 0; i < 25; i += 1) {
        await manager.withLock('hot', async (lock) => {
          inside += 1;
          expect(inside).toBe(1);
          fences.push(lock.fencingToken);
          await Promise.resolve();
          inside -= 1;
        });
        served[m]![c]! += 1;
      }
    };

    await Promise.all(
      managers.flatMap((manager, m) => [0, 1, 2, 3].map((c) => call(manager, m, c))),
    );

    expect(served.flat()).toEqual(Array.from({ length: 16 }, () => 25));
    expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
  });

  it('forgets nobody who asks again while the release before is on its way', async () => {
    const keyPrefix = uniquePrefix();
    const managers = Array.from({ length: 4 }, () => openManager(shared().urls, { keyPrefix }));
    const waits: number[] = [];
    const call = async (manager: LockManager): Promise<void> => {
      for (let i = 0; i < 40; i += 1) {
        const { ms, value } = await timed(manager.acquire('hot'));
        waits.push(ms);
        await value!.release();
        await sleep(Math.random() * 8);
      }
    };

    await Promise.all(managers.flatMap((manager) => [call(manager), call(manager), call(manager)]));

    // A waiter that was forgotten would find out by its poll, after 2.5 s.
    expect(Math.max(...waits)).toBeLessThan(2400);
  });

  it('hands the lock to a waiter of another process when it is released', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [
      openManager(shared().urls, { keyPrefix }),
      openManager(shared().urls, { keyPrefix }),
    ];
    await warm(a, b);
    for (let i = 0; i < 20; i += 1) {
      const mine = await a.acquire('k');
      const waiting = b.acquire('k', { wait: 5000 });
      await eventually(async () => expect((await a.inspect('k'))!.waiters).toBe(1));

      await mine.release();

      const { ms, value } = await timed(waiting);
      expect(ms).toBeLessThan(NOISE_MS);
      await value!.release();
    }
    expect(await a.inspect('k')).toBeNull();
  });

  it('leaves nothing behind', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [
      openManager(shared().urls, { keyPrefix }),
      openManager(shared().urls, { keyPrefix }),
    ];
    const mine = await a.acquire('k');
    expect(await b.tryAcquire('k')).toBeNull();
    await expect(b.acquire('k', { wait: 100 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    await mine.release();
    await b.withLock('k', () => {});

    const clients = shared().urls.map((url) => openClient(url));
    await eventually(async () => {
      const left = await Promise.all(clients.map((client) => client.keys(`${keyPrefix}*`)));
      expect([...new Set(left.flat())]).toEqual([`${keyPrefix}!fence`]);
    });
  });

  it('shows, lists and frees what a majority holds', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [
      openManager(shared().urls, { keyPrefix }),
      openManager(shared().urls, { keyPrefix }),
    ];
    const mine = await a.acquire('k', { label: 'mine' });
    const inner = openManager(shared().urls, { keyPrefix: `${keyPrefix}x:` });
    await inner.withLock('k', () => {});
    await openClient(shared().urls[0]!).set(`${keyPrefix}stray`, 'x');
    for (const url of shared().urls) await openClient(url).hset(`${keyPrefix}hash`, 'x', 'y');

    expect((await b.inspect('k'))!.holders).toMatchObject([{ label: 'mine', pid: process.pid }]);
    expect(await b.inspect('stray')).toBeNull();
    const listed = [];
    for await (const { key } of b.list()) listed.push(key);
    expect(listed).toEqual(['k']);
    for (const key of ['hash', 'x:!fence'])
      await expect(b.inspect(key)).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
    expect(await b.forceRelease('stray')).toBe(false);
    expect(await b.forceRelease('k')).toBe(true);
    await eventually(() => expect(mine.signal.aborted).toBe(true));
    expect(await b.inspect('k')).toBeNull();
  });

  it('keeps a lock that was released before its minHold from everybody', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [
      openManager(shared().urls, { keyPrefix }),
      openManager(shared().urls, { keyPrefix }),
    ];
    await warm(a, b);

    const { ms } = await timed(() =>
      a.withLock('k', () => {}, { minHold: 400 }).then(() => b.acquire('k')),
    );

    expect(ms).toBeGreaterThan(390);
    expect(ms).toBeLessThan(500 + NOISE_MS);
  });
});

describe('with a node that is down', () => {
  it.each([0, 1, 2])('acquires, renews and releases without node %i of three', async (down) => {
    const { servers, urls } = await ownQuorum(3);
    const manager = openManager(urls, { ttl: 900, commandTimeout: COMMAND_TIMEOUT });
    await warm(manager);
    await servers[down]!.kill();

    const { ms, value: lock } = await timed(manager.acquire('k'));
    expect(ms).toBeLessThan(NOISE_MS);
    const until = performance.now() + 1800;
    await eventually(() => expect(performance.now()).toBeGreaterThan(until));
    expect(lock!.signal.aborted).toBe(false);
    expect(lock!.remainingMs).toBeGreaterThan(100);
    expect(await lock!.release()).toBe('released');
    expect(await manager.inspect('k')).toBeNull();
  });

  it('does so when it was down from the start', async () => {
    const { servers, urls } = await ownQuorum(3);
    await servers[0]!.kill();
    const manager = openManager(urls);

    const { ms } = await timed(manager.withLock('k', () => {}));

    expect(ms).toBeLessThan(NOISE_MS);
  });

  it('moves the queue of the coordinator to another node', async () => {
    const { servers, urls } = await ownQuorum(3);
    const [a, b] = [openManager(urls), openManager(urls)];
    await warm(a, b);
    const key = keyCoordinatedBy(1, servers);
    const mine = await a.acquire(key);
    const waiting = b.acquire(key);
    await eventually(async () => expect((await a.inspect(key))!.waiters).toBe(1));

    await servers[1]!.kill();
    await mine.release();

    const { ms, value } = await timed(waiting);
    expect(ms).toBeLessThan(2000);
    await value!.release();
  });

  it.each([
    [0, 1],
    [1, 2],
    [2, 0],
  ])('acquires within a second when %i is down and %i busy for 300 ms', async (down, busy) => {
    const { servers, urls } = await ownQuorum(3);
    const manager = openManager(urls, { commandTimeout: COMMAND_TIMEOUT });
    await warm(manager);
    await servers[down]!.kill();
    const setAt = performance.now();
    await openClient(urls[busy]!).set('lock:k', 'foreign', 'PX', 300);

    const { ms, value } = await timed(manager.acquire('k'));

    expect(performance.now() - setAt).toBeGreaterThan(299);
    expect(ms).toBeLessThan(1000 + NOISE_MS);
    await value!.release();
  });

  it('rejects within its wait when two of three are down, and holds nothing on the third', async () => {
    const { servers, urls } = await ownQuorum(3);
    const manager = openManager(urls, { commandTimeout: COMMAND_TIMEOUT });
    await warm(manager);
    await Promise.all([servers[0]!.kill(), servers[1]!.kill()]);

    const { ms, error } = await timed(manager.acquire('k', { wait: 1000 }));

    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(ms).toBeLessThan(1000 + NOISE_MS);
    const third = openClient(urls[2]!);
    await eventually(async () => expect(await third.get('lock:k')).toBeNull());
  });

  it('calls no lock busy of which one of three alone says so, where others wait either', async () => {
    const { servers, urls } = await ownQuorum(3);
    const [holder, waiter] = [1, 2].map(() =>
      openManager(urls, { commandTimeout: COMMAND_TIMEOUT }),
    ) as [LockManager, LockManager];
    for (const manager of [holder, waiter]) await warm(manager);
    await holder.acquire('k');
    const waiting = timed(waiter.acquire('k', { wait: 4000 }));
    await eventually(async () => expect((await holder.inspect('k'))?.waiters).toBe(1));
    const [, ...others] = inOrder(servers, 'k');
    await Promise.all(others.map((one) => one.kill()));

    await eventually(async () => {
      const { error } = await timed(waiter.tryAcquire('k'));
      expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    });

    expect((await waiting).error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  it('goes on when they are back', async () => {
    const { servers, urls } = await ownQuorum(3);
    const manager = openManager(urls, { commandTimeout: COMMAND_TIMEOUT, ttl: 200 });
    await warm(manager);
    await Promise.all([servers[0]!.kill(), servers[1]!.kill()]);
    const waiting = manager.acquire('k', { wait: 30_000 });
    await Promise.all([servers[0]!.restart(), servers[1]!.restart()]);

    await (await waiting).release();
  });
});

describe('with a node that hangs', () => {
  it.each([0, 1, 2])('waits for node %i of three once at most', async (hung) => {
    const { servers, urls, held } = await ownQuorum(3);
    const manager = openManager(urls, { commandTimeout: COMMAND_TIMEOUT });
    await warm(manager);
    servers[hung]!.pause();

    const first = await timed(manager.acquire('k'));
    expect(first.ms).toBeLessThan(FIRST_TRY);
    const released = await timed(first.value!.release());
    expect(released).toMatchObject({ value: 'released' });
    expect(released.ms).toBeLessThan(FIRST_TRY);
    // Its first commands time out here; later calls do not wait for it any more.
    await manager.acquire('wait', { ttl: COMMAND_TIMEOUT, renew: false });
    await manager.acquire('wait', { wait: 30_000 });
    for (let i = 0; i < 5; i += 1) {
      const { ms } = await timed(manager.withLock('k', () => {}));
      expect(ms).toBeLessThan(NOISE_MS);
    }

    servers[hung]!.resume();
    await eventually(async () => expect(await held('k')).toEqual([null, null, null]));
  });
});

describe('with a node that hangs, for a caller that does not wait', () => {
  it.each([0, 1, 2])('is busy at once, though node %i does not answer', async (hung) => {
    const { servers, urls } = await ownQuorum(3);
    const [a, b] = [openManager(urls), openManager(urls, { commandTimeout: 5000 })];
    await warm(a, b);
    await a.acquire('k');
    servers[hung]!.pause();

    const { ms, value } = await timed(b.tryAcquire('k'));

    expect(value).toBeNull();
    expect(ms).toBeLessThan(1000 + NOISE_MS);
    servers[hung]!.resume();
  });
});

describe('with a foreign or a leftover key', () => {
  it.each([0, 1, 2])('passes over a foreign key on node %i alone', async (at) => {
    const { urls } = await ownQuorum(3);
    const [a, b] = [openManager(urls), openManager(urls)];
    await warm(a, b);
    await openClient(urls[at]!).set('lock:k', 'foreign');

    const { ms, value } = await timed(a.acquire('k'));
    expect(ms).toBeLessThan(NOISE_MS);
    const waiting = b.acquire('k');
    await eventually(async () => expect((await a.inspect('k'))!.waiters).toBe(1));
    await value!.release();

    const handed = await timed(waiting);
    expect(handed.ms).toBeLessThan(2000);
    await handed.value!.release();
    expect(await openClient(urls[at]!).get('lock:k')).toBe('foreign');
  });

  it('passes over what a dead process left at the coordinator', async () => {
    const { servers, urls } = await ownQuorum(3);
    const [a, b] = [openManager(urls), openManager(urls)];
    await warm(a, b);
    const key = keyCoordinatedBy(2, servers);
    const dead = await a.acquire('other');
    const token = (await openClient(urls[0]!).get('lock:other'))!;
    await openClient(urls[2]!).set(`lock:${key}`, token, 'PX', 30_000);
    await dead.release();

    const { ms } = await timed(b.acquire(key));

    expect(ms).toBeLessThan(5000);
  });

  it('waits for a foreign lock that a majority holds, and leaves it alone', async () => {
    const { urls, held } = await ownQuorum(3);
    const manager = openManager(urls);
    await warm(manager);
    const setAt = performance.now();
    for (const url of urls.slice(0, 2)) await openClient(url).set('lock:k', 'foreign', 'PX', 1500);

    expect(await manager.tryAcquire('k')).toBeNull();
    expect(await held('k')).toEqual(['foreign', 'foreign', null]);
    const { ms } = await timed(manager.acquire('k'));

    expect(performance.now() - setAt).toBeGreaterThan(1499);
    expect(ms).toBeLessThan(1500 + 2500 + NOISE_MS);
  });
});

describe('a reply that is too late', () => {
  it('is not a vote: no lock, and no key is left', async () => {
    const { servers, urls, held } = await ownQuorum(3);
    const proxies = await Promise.all(
      servers.map(async ({ port }) => closing(await TcpProxy.start(port))),
    );
    const manager = openManager([proxies[0]!.url, proxies[1]!.url, urls[2]!]);
    await warm(manager);
    for (const proxy of proxies) proxy.delayReplies(300);

    const { value, error } = await timed(manager.acquire('k', { ttl: 150, wait: 800 }));

    expect(value).toBeUndefined();
    expect(error).toMatchObject({ code: expect.stringMatching(/LOCK_(TIMEOUT|UNAVAILABLE)/) });
    for (const proxy of proxies) proxy.delayReplies(0);
    await eventually(async () => expect(await held('k')).toEqual([null, null, null]));
  });
});

describe('a holder', () => {
  it('loses the lock when a majority has lost it', async () => {
    const { urls } = await ownQuorum(3);
    const manager = openManager(urls, { ttl: 1500 });
    const lock = await manager.acquire('k');
    await openClient(urls[0]!).flushall();
    const until = performance.now() + 1000;
    await eventually(() => expect(performance.now()).toBeGreaterThan(until));
    expect(lock.signal.aborted).toBe(false);

    await Promise.all(urls.slice(0, 2).map((url) => openClient(url).flushall()));

    await eventually(() => expect(lock.signal.aborted).toBe(true));
    expect(await lock.release()).toBe('lost');
    await eventually(async () => expect(await openClient(urls[2]!).get('lock:k')).toBeNull());
  });
});

describe('fencing numbers', () => {
  it('do not fall when all nodes have lost their data, though the first answers came late (I2)', async () => {
    const { servers, urls } = await ownQuorum(3);
    const links = await Promise.all(
      servers.map(async ({ port }) => closing(await TcpProxy.start(port))),
    );
    const slow = openManager(
      links.map(({ url }) => url),
      { commandTimeout: 5000 },
    );
    await slow.inspect('k');
    for (const link of links) link.delayReplies(900);
    await slow.withLock('k', () => {});
    for (const link of links) await link.pass();
    const before = await slow.withLock('k', ({ fencingToken }) => fencingToken);
    await Promise.all(urls.map((url) => openClient(url).flushall()));

    const after = await openManager(urls).withLock('k', ({ fencingToken }) => fencingToken);
    const later = await slow.withLock('k', ({ fencingToken }) => fencingToken);

    expect(after).toBeGreaterThan(before);
    expect(later).toBeGreaterThan(after);
  });

  it('rise whichever nodes vote, though one node is ahead of the others', async () => {
    const { servers, urls } = await ownQuorum(3);
    const ahead = Date.now() * 1000 + 60e6;
    await openClient(urls[0]!).set('lock:!fence', String(ahead));
    const managers = [openManager(urls), openManager(urls)];
    const numbers: number[] = [];
    const take = async (): Promise<void> => {
      for (const manager of managers)
        await manager.withLock('k', ({ fencingToken }) => void numbers.push(fencingToken));
    };

    await warm(...managers);
    await take();
    for (const server of servers) {
      server.pause();
      await take();
      server.resume();
      await take();
    }

    expect(numbers).toHaveLength(14);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBeGreaterThan(ahead);
  });
});

describe('a node that has restarted without its data', () => {
  it('has no vote until every lease that it may have forgotten has ended', async () => {
    const { servers, urls } = await ownQuorum(3);
    const [a, b] = [openManager(urls, { ttl: 3000 }), openManager(urls, { ttl: 3000 })];
    await warm(a, b);
    await servers[2]!.kill();
    const lock = await a.acquire('k', { renew: false });
    await servers[2]!.restart();
    await servers[0]!.restart();

    await b.acquire('k', { wait: 30_000 });

    expect(lock.remainingMs).toBe(0);
  });
});

describe('with two nodes of five out of reach', () => {
  /** A lock on four nodes, two of which one process can't reach. */
  async function setUp() {
    const { servers, urls } = await ownQuorum(5);
    const links = await Promise.all(
      servers.slice(0, 2).map(async ({ port }) => closing(await TcpProxy.start(port))),
    );
    const holder = openManager(urls);
    const seeing = openManager([...links.map(({ url }) => url), ...urls.slice(2)], {
      commandTimeout: COMMAND_TIMEOUT,
    });
    await warm(holder, seeing);
    const lock = await holder.acquire('k', { label: 'mine', renew: false });
    const { length } = urls;
    await eventually(async () => expect(await openClient(urls[length - 1]!).del('lock:k')).toBe(1));
    for (const link of links) {
      link.refuse();
      link.dropConnections();
    }
    return { seeing, lock };
  }

  it('shows the holder that a majority may have', async () => {
    const { seeing } = await setUp();

    expect(await seeing.inspect('k')).toMatchObject({ holders: [{ label: 'mine' }] });
  });

  it('takes the lock from it', async () => {
    const { seeing, lock } = await setUp();

    expect(await seeing.forceRelease('k')).toBe(true);

    await eventually(() => expect(lock.signal.aborted).toBe(true));
    await (await seeing.acquire('k', { wait: 5000 })).release();
  });
});

describe('the number of nodes', () => {
  it('may be even: four need three', async () => {
    const { servers, urls } = await ownQuorum(4);
    const manager = openManager(urls, { commandTimeout: COMMAND_TIMEOUT });
    await warm(manager);
    await servers[0]!.kill();
    await manager.withLock('k', () => {});
    await servers[1]!.kill();

    await expect(manager.acquire('k', { wait: 300 })).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });
  });

  it('may be one, which is no quorum', async () => {
    const manager = openManager([shared().urls[0]!], { keyPrefix: uniquePrefix() });

    await manager.withLock('k', () => {});
  });

  it('must not be two, nor count a node twice', () => {
    const [a = '', b = ''] = shared().urls;

    expect(() => openManager([a, b])).toThrow(/two nodes/);
    expect(() => openManager([a, b, a])).toThrow(/twice, at 0 and at 2/);
  });

  it('does not count a server twice that has two names', async () => {
    const [a = '', b = ''] = shared().urls;
    const manager = openManager([a, b, a.replace('127.0.0.1', 'localhost')], {
      keyPrefix: uniquePrefix(),
    });

    const calls = [manager.acquire('k'), manager.tryAcquire('k'), manager.inspect('k')];
    for (const call of await Promise.allSettled(calls))
      expect(call).toMatchObject({ reason: { code: 'LOCK_CONFIG' } });
    await expect(manager.acquire('k')).rejects.toThrow(/one Redis server twice/);
  });
});

describe('a process that closes', () => {
  it('leaves nothing at a node that is slower than the majority', async () => {
    const { servers, urls, held } = await ownQuorum(3);
    const link = closing(await TcpProxy.start(servers[2]!.port));
    // No node counts as one that does not answer, on a busy machine either.
    const slow = openManager([urls[0]!, urls[1]!, link.url], { commandTimeout: 10_000 });
    const key = keyCoordinatedBy(0, servers);
    await warm(slow);
    link.delayReplies(100);
    const other = openClient(urls[0]!);
    await other.ping();

    const lock = await slow.acquire(key, { ttl: '60s' });
    expect((await held(key))[2]).not.toBeNull();
    await lock.release();
    const closed = slow.close();
    // What becomes of another node meanwhile is no reason to go.
    await other.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await closed;

    expect(await held(key)).toEqual([null, null, null]);
  });
});

describe('a lock of which nobody can tell who holds it', () => {
  it('is listed with each of those that may, beside the locks of which it is known', async () => {
    const { servers, urls } = await ownQuorum(3);
    const manager = openManager(urls, { commandTimeout: COMMAND_TIMEOUT });
    await warm(manager);
    const known = await manager.acquire('known', { label: 'mine' });
    await openClient(urls[0]!).set('lock:torn', 'one');
    await openClient(urls[1]!).set('lock:torn', new TokenMint().next(1000, 1, 'its job'));
    await servers[2]!.stop();

    await eventually(async () => {
      const listed = new Map<string, string[]>();
      for await (const { key, holders } of manager.list())
        listed.set(
          key,
          holders.map(({ label }) => label),
        );
      expect(listed).toEqual(
        new Map([
          ['known', ['mine']],
          ['torn', ['', 'its job']],
        ]),
      );
    });
    await expect(manager.inspect('torn')).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await known.release();
  });
});
