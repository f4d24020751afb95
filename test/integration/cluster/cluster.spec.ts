import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';

import type { LockError } from '../../../lib/engine/api/errors.js';
import { slotOf } from '../../../lib/redis/keys/hash-slot.js';
import { afterTest } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openManager } from '../../support/managers.js';
import type { ManagerOptions } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import type { ClusterMember } from '../../support/redis-cluster.js';
import { uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';
import { Traffic } from '../../support/traffic.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await RedisCluster.start();
}, 60_000);

afterAll(() => cluster.stop());

const open = (options: ManagerOptions = {}) => openManager({ cluster: cluster.nodes }, options);

/** A key of the application for each of three nodes. */
const KEYS = ['order:1', 'order:2', 'order:3', 'order:4', 'order:5', 'order:6'];

async function ownersOf(prefix: string): Promise<ClusterMember[]> {
  return Promise.all(KEYS.map((key) => cluster.ownerOf(slotOf(prefix + key))));
}

/** A prefix under which every node has at least one of the keys. */
async function prefixOnAllNodes(): Promise<string> {
  for (;;) {
    const prefix = uniquePrefix();
    if (new Set(await ownersOf(prefix)).size === 3) return prefix;
  }
}

async function masters(): Promise<ClusterMember[]> {
  const owners = await Promise.all([0, 8000, 16_383].map((slot) => cluster.ownerOf(slot)));
  return [...new Set(owners)];
}

/** Where the slot of a lock is, and another node to which it could move. */
async function leaving(
  lockKey: string,
): Promise<{ from: ClusterMember; to: ClusterMember; slot: number }> {
  const slot = slotOf(lockKey);
  const from = await cluster.ownerOf(slot);
  return { from, to: (await masters()).find((master) => master !== from)!, slot };
}

/** How many processes hear what is told about a lock. */
async function listeners(keyPrefix: string, key: string): Promise<number> {
  const { client } = await cluster.ownerOf(slotOf(keyPrefix + key));
  const channels = await client.pubsub('SHARDCHANNELS', `${keyPrefix}!g:{${keyPrefix}${key}}:*`);
  return channels.length;
}

describe('locks in a Cluster (A31)', () => {
  it('are taken and released when every node has forgotten its scripts', async () => {
    const manager = open();
    const nodes = await masters();

    for (let i = 0; i < 60; i += 1) {
      await Promise.all(nodes.map(({ client }) => client.script('FLUSH')));
      const lock = await manager.acquire(`flushed:${i}`);
      await Promise.all(nodes.map(({ client }) => client.script('FLUSH')));
      await expect(lock.release()).resolves.toBe('released');
    }
  });

  it('are handed over by push, whatever node they are on', async () => {
    const keyPrefix = await prefixOnAllNodes();
    const [a, b] = [open({ keyPrefix }), open({ keyPrefix })];
    const delays: number[] = [];

    for (const key of [...KEYS, ...KEYS]) {
      const lock = await a.acquire(key);
      const waiting = b.acquire(key);
      await eventually(async () => expect((await a.inspect(key))?.waiters).toBe(1));
      // Without its subscription a waiter finds the grant by a poll after 2.5 s.
      await eventually(async () => expect(await listeners(keyPrefix, key)).toBeGreaterThan(0));
      const released = performance.now();
      await lock.release();
      await (await waiting).release();
      delays.push(performance.now() - released);
    }

    expect(delays.sort((x, y) => x - y)[6]).toBeLessThan(NOISE_MS);
  });

  it('are all listed, with who holds and who waits', async () => {
    const keyPrefix = uniquePrefix();
    const manager = open({ keyPrefix });
    const locks = await Promise.all(KEYS.map((key) => manager.acquire(key, { label: 'shop' })));
    await open({ keyPrefix: `${keyPrefix}inner:` }).withLock('k', () => {});

    const found: string[] = [];
    for await (const { key, holders } of manager.list()) {
      expect(holders).toMatchObject([{ label: 'shop' }]);
      found.push(key);
    }

    expect(found.sort()).toEqual(KEYS);
    await Promise.all(locks.map((lock) => lock.release()));
  });

  it('are renewed in every slot', async () => {
    const manager = open({ keyPrefix: uniquePrefix(), ttl: 900 });
    const locks = await Promise.all(KEYS.map((key) => manager.acquire(key)));

    await sleep(1500);

    for (const lock of locks) expect(lock.remainingMs).toBeGreaterThan(50);
    await Promise.all(locks.map((lock) => lock.release()));
  });

  it('leave nothing but a fence counter for each slot', async () => {
    const keyPrefix = uniquePrefix();
    const managers = [open({ keyPrefix }), open({ keyPrefix })];
    const traffic = new Traffic(managers, KEYS);
    await traffic.flows();
    await traffic.stop();

    const nodes = await masters();
    const left = await Promise.all(nodes.map(({ client }) => client.keys(`${keyPrefix}*`)));
    expect(left.flat()).toHaveLength(KEYS.length);
    expect(left.flat().filter((key) => !key.startsWith(`${keyPrefix}!fence:{`))).toEqual([]);
    expect(traffic).toMatchObject({ errors: [], overlaps: 0, inversions: 0 });
  });
});

describe('a Cluster whose layout changes under load (A31)', () => {
  it('hands over without an overlap while replicas take over', async () => {
    const keyPrefix = uniquePrefix();
    const managers = [open({ keyPrefix }), open({ keyPrefix }), open({ keyPrefix })];
    const traffic = new Traffic(managers, KEYS);
    await traffic.flows();

    for (const master of await masters()) {
      await cluster.failover(master);
      traffic.mark();
      await traffic.flows();
    }

    await traffic.stop();
    expect(traffic).toMatchObject({ errors: [], overlaps: 0, inversions: 0, lost: 0 });
    await cluster.healthy();
  });

  it('hands over without an overlap while slots move with their keys', async () => {
    const keyPrefix = uniquePrefix();
    const managers = [open({ keyPrefix }), open({ keyPrefix }), open({ keyPrefix })];
    const traffic = new Traffic(managers, KEYS);
    await traffic.flows();

    for (const key of [...KEYS, ...KEYS]) {
      const slot = slotOf(keyPrefix + key);
      const from = await cluster.ownerOf(slot);
      const to = (await masters()).find((member) => member !== from)!;
      await cluster.migrateSlot(slot, to, 20);
      traffic.mark();
      await traffic.flows();
    }

    await traffic.stop();
    expect(traffic).toMatchObject({ errors: [], overlaps: 0, inversions: 0, lost: 0 });
  });

  it('hands over while the slot is on its way, where no key can be made any more', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [open({ keyPrefix }), open({ keyPrefix })];
    const slot = slotOf(`${keyPrefix}k`);
    const [from, to] = [await cluster.ownerOf(slot), (await masters())[0]!];
    const other = from === to ? (await masters())[1]! : to;
    const lock = await a.acquire('k');
    const waiting = b.acquire('k');
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await other.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.client.cluster('SETSLOT', slot, 'MIGRATING', other.id);

    await expect(lock.release()).resolves.toBe('released');
    const next = await waiting;
    expect(await from.client.get(`${keyPrefix}k`)).not.toBeNull();

    await from.client.cluster('SETSLOT', slot, 'STABLE');
    await other.client.cluster('SETSLOT', slot, 'STABLE');
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
  });

  it('keeps the fence counter when readers come next and the slot is on its way', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [open({ keyPrefix }), open({ keyPrefix })];
    const { from, to, slot } = await leaving(`${keyPrefix}k`);
    const lock = await a.acquire('k');
    const waiting = b.acquire('k', { mode: 'shared' });
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);

    const released = lock.release();
    await released.catch(() => undefined);
    const [counter] = await from.client.keys(`${keyPrefix}!fence*`);
    expect(await from.client.type(String(counter))).toBe('string');

    await from.client.cluster('SETSLOT', slot, 'STABLE');
    await to.client.cluster('SETSLOT', slot, 'STABLE');
    const reader = await waiting;
    expect(reader.fencingToken).toBeGreaterThan(lock.fencingToken);
    await expect(a.acquire('k', { wait: 0 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    await reader.release();
  });

  it('is never told as a key of another program while its permits are still at the old node', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b, c] = [open({ keyPrefix }), open({ keyPrefix }), open({ keyPrefix })];
    const { from, to, slot } = await leaving(`${keyPrefix}k`);
    const held = await a.acquire('k', { permits: 1 });
    const waiting = b.acquire('k', { permits: 1 });
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);
    const move = (keys: readonly string[]) =>
      Promise.all(
        keys.map((key) => from.client.migrate('127.0.0.1', to.server.port, key, 0, 5000)),
      );
    const keys = await from.client.keys(`${keyPrefix}*`);
    await move(keys.filter((key) => !key.includes('!h:')));

    for (let i = 0; i < 4; i += 1) {
      const refusal = await c
        .acquire('k', { permits: 1, wait: 700 })
        .catch((error: unknown) => error);
      expect(['LOCK_UNAVAILABLE', 'LOCK_TIMEOUT']).toContain((refusal as LockError).code);
    }

    await move(keys.filter((key) => key.includes('!h:')));
    for (const { client } of [to, from]) await client.cluster('SETSLOT', slot, 'NODE', to.id);
    await held.release();
    await (await waiting).release();
  });

  it('goes on by itself when a master dies', async () => {
    const keyPrefix = uniquePrefix();
    const managers = [open({ keyPrefix }), open({ keyPrefix })];
    const traffic = new Traffic(managers, KEYS);
    await traffic.flows();
    const victim = (await ownersOf(keyPrefix))[0]!;
    const replica = await cluster.replicaOf(victim);

    await victim.server.kill();
    const killed = performance.now();
    await eventually(
      async () => expect(await replica.client.info('replication')).toContain('role:master'),
      { within: 30_000 },
    );
    const failover = performance.now() - killed;
    traffic.mark();
    await traffic.flows(failover + 5000);
    await traffic.stop();

    expect(traffic).toMatchObject({ errors: [], inversions: 0 });
    await victim.server.restart();
    await cluster.healthy();
  }, 120_000);

  it('goes on by itself when a master hangs', async () => {
    const keyPrefix = uniquePrefix();
    const managers = [open({ keyPrefix }), open({ keyPrefix })];
    const traffic = new Traffic(managers, KEYS);
    await traffic.flows();
    const victim = (await ownersOf(keyPrefix))[0]!;
    const replica = await cluster.replicaOf(victim);

    victim.server.pause();
    const hung = performance.now();
    await eventually(
      async () => expect(await replica.client.info('replication')).toContain('role:master'),
      { within: 30_000 },
    );
    const failover = performance.now() - hung;
    traffic.mark();
    await traffic.flows(failover + 5000);
    victim.server.resume();
    traffic.mark();
    await traffic.flows();
    await traffic.stop();

    expect(traffic).toMatchObject({ errors: [], inversions: 0 });
    await cluster.healthy();
  }, 120_000);
});

describe('a Cluster that can’t be used', () => {
  it('is unavailable in time, as a whole and for the keys of one node', async () => {
    const keyPrefix = uniquePrefix();
    const manager = open({ keyPrefix, commandTimeout: 300 });
    await manager.withLock('warm-up', () => {});
    const victim = (await ownersOf(keyPrefix))[0]!;
    victim.server.pause();
    afterTest(() => victim.server.resume());

    const { ms, error } = await timed(manager.acquire(KEYS[0]!, { wait: 1000 }));

    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(ms).toBeLessThan(1000 + NOISE_MS);
    victim.server.resume();
    const lock = await manager.acquire(KEYS[0]!, { wait: 30_000 });
    await lock.release();
    await cluster.healthy();
  });

  it('is refused with a prefix whose brace takes the keys of a lock apart', () => {
    for (const keyPrefix of ['a{b:', '{}:', '{'])
      expect(() => open({ keyPrefix })).toThrow(/hash tag/);
    const client = new Cluster(cluster.nodes, { keyPrefix: '{', lazyConnect: true });
    expect(() => openManager(client)).toThrow(/hash tag/);
  });
});

describe('a Cluster client that was handed in', () => {
  it('is copied, with its prefix, and neither closed, subscribed nor reconfigured', async () => {
    const prefix = uniquePrefix();
    const client = new Cluster(cluster.nodes, {
      keyPrefix: prefix,
      redisOptions: { disconnectTimeout: 0 },
    });
    afterTest(() => client.disconnect());
    await client.set('own', '1');
    const options = { ...client.options };
    const [a, b] = [openManager(client), openManager(client)];

    const lock = await a.acquire('k');
    const waiting = b.acquire('k');
    expect(await client.get('lock:k')).toMatch(/^[\w-]{16}\./);
    await lock.release();
    await (await waiting).release();
    await Promise.all([a.close(), b.close()]);

    expect(await client.get('own')).toBe('1');
    expect(client.options).toEqual(options);
  });
});

describe('a holder that never waited, in a Cluster', () => {
  it.each(['acquire', 'tryAcquire'] as const)(
    'after %s hears at once that its lock was taken from it',
    async (how) => {
      const keyPrefix = uniquePrefix();
      const [a, b] = [open({ keyPrefix }), open({ keyPrefix })];
      const lock = await a[how]('order:7', { ttl: 60_000 });
      await eventually(async () => {
        const held = await cluster.ownerOf(slotOf(`${keyPrefix}order:7`));
        const channels = (await held.client.call('PUBSUB', 'SHARDCHANNELS')) as string[];
        expect(channels.filter((name) => name.includes(`${keyPrefix}order:7`))).toHaveLength(1);
      });

      expect(await b.forceRelease('order:7')).toBe(true);

      await eventually(() => expect(lock?.signal.aborted).toBe(true), { within: 2000 });
    },
  );
});

describe('several keys in a Cluster', () => {
  it('in several slots are refused at once, by name (A31)', async () => {
    const keyPrefix = await prefixOnAllNodes();
    const manager = open({ keyPrefix });

    const { error, ms } = await timed(manager.acquire(KEYS));

    expect(error).toMatchObject({ code: 'LOCK_CONFIG', keys: KEYS });
    expect((error as Error).message).toMatch(/"order:\d" in slot \d+, "order:\d" in slot/);
    expect(ms).toBeLessThan(100 + NOISE_MS);
    for (const key of KEYS) expect(await manager.inspect(key)).toBeNull();
  });

  it('of one slot are taken when every node has forgotten its scripts, one by one when one is busy', async () => {
    const keyPrefix = uniquePrefix();
    const [a, b] = [open({ keyPrefix }), open({ keyPrefix })];
    const keys = ['{t}:1', '{t}:2', '{t}:3'];
    await Promise.all((await masters()).map(({ client }) => client.script('FLUSH')));

    const lock = await a.acquire(keys);
    const waiting = b.acquire(['{t}:0', ...keys]);
    await eventually(async () => expect((await a.inspect('{t}:1'))?.waiters).toBe(1));
    expect(await a.tryAcquire('{t}:0')).toBeNull();
    expect(await lock.release()).toBe('released');

    const next = await waiting;
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await next.release()).toBe('released');
  });

  it('are handed over without an overlap while their slot moves and replicas take over (A31)', async () => {
    const keyPrefix = uniquePrefix();
    const managers = [open({ keyPrefix }), open({ keyPrefix }), open({ keyPrefix })];
    const [one, two, three] = ['{t}:1', '{t}:2', '{t}:3'] as const;
    const traffic = new Traffic(managers, [one, [one, two], [three, two], [one, two, three]]);
    await traffic.flows();
    const slot = slotOf(`${keyPrefix}${one}`);

    for (let i = 0; i < 3; i += 1) {
      const from = await cluster.ownerOf(slot);
      const to = (await masters()).find((member) => member !== from)!;
      await cluster.migrateSlot(slot, to, 20);
      traffic.mark();
      await traffic.flows();
    }
    await cluster.failover(await cluster.ownerOf(slot));
    traffic.mark();
    await traffic.flows();

    await traffic.stop();
    expect(traffic).toMatchObject({ errors: [], overlaps: 0, inversions: 0, lost: 0 });
    await cluster.healthy();
  });
});
