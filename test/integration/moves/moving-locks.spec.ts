import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { Child } from '../../support/child.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { sharedQuorum } from '../../support/redis-quorum.js';
import { sharedRedisPort, sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await RedisCluster.start();
}, 60_000);

afterAll(() => cluster.stop());

const quorum = sharedQuorum(3);
const KINDS = [{}, { mode: 'shared' }, { permits: 2 }] as const;

/** Processes that hear what is told about a lock. */
async function open(connection: Parameters<typeof openManager>[0]): Promise<LockManager[]> {
  const keyPrefix = uniquePrefix();
  const managers = [1, 2, 3].map(() => openManager(connection, { keyPrefix }));
  for (const manager of managers) await manager.withLock('warm-up', () => {});
  return managers;
}

describe.each([
  ['one server', () => sharedRedisUrl()],
  ['a Cluster', () => ({ cluster: cluster.nodes })],
])('on %s, a lock', (_name, connection) => {
  it.each(KINDS)('of the kind %j is detached here and attached there', async (kind) => {
    const [a, b] = (await open(connection())) as [LockManager, LockManager];
    const lock = await a.acquire('k', kind);
    const ticket = await lock.detach();

    const attached = await b.attach(ticket);

    expect(attached).toMatchObject({ keys: ['k'], fencingToken: lock.fencingToken });
    await expect(a.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await attached.release()).toBe('released');
    expect(await a.inspect('k')).toBeNull();
  });

  it('of several keys goes by one ticket', async () => {
    const [a, b] = (await open(connection())) as [LockManager, LockManager];
    const keys = ['{account}:1', '{account}:2', '{account}:3'];
    const lock = await a.acquire(keys);
    const ticket = await lock.detach();
    expect(await b.tryAcquire('{account}:2')).toBeNull();

    const attached = await b.attach(ticket);

    expect(attached).toMatchObject({ keys, fencingToken: lock.fencingToken });
    await expect(a.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_LOST', keys });
    expect(await attached.release()).toBe('released');
    for (const key of keys) expect(await a.inspect(key)).toBeNull();
  });

  it('goes on to who waited for it before it moved, first come, first served', async () => {
    const [a, b, c] = (await open(connection())) as [LockManager, LockManager, LockManager];
    const lock = await a.acquire('k');
    const waiting = c.acquire('k', { wait: '60s' });
    await eventually(async () => expect((await a.inspect('k'))!.waiters).toBe(1));
    const behind = b.acquire('k', { wait: '60s' });
    await eventually(async () => expect((await a.inspect('k'))!.waiters).toBe(2));

    const attached = await b.attach(await lock.detach());
    await attached.release();

    const next = await waiting;
    expect(next.fencingToken).toBeGreaterThan(attached.fencingToken);
    await next.release();
    expect((await behind).fencingToken).toBeGreaterThan(next.fencingToken);
  });

  it('is known to be taken by an operator at once where it was attached', async () => {
    const [a, b] = (await open(connection())) as [LockManager, LockManager];
    const attached = await b.attach(await (await a.acquire('k')).detach());
    const { signal } = attached;

    // In a Cluster a holder listens when it has held the lock for a while.
    await eventually(async () => {
      if (!signal.aborted) await a.forceRelease('k');
      expect(signal.aborted).toBe(true);
    });
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST' });
  });
});

describe('on a quorum, a lock', () => {
  it('is not moved, which is told by name, and is held as before', async () => {
    const manager = openManager(quorum().urls, { keyPrefix: uniquePrefix() });
    const elsewhere = openManager(sharedRedisUrl(), { keyPrefix: uniquePrefix() });
    const lock = await manager.acquire('k');
    const refusal = { code: 'LOCK_CONFIG', message: expect.stringContaining('quorum') };

    await expect(lock.detach()).rejects.toMatchObject(refusal);

    lock.assertHeld();
    const ticket = await (await elsewhere.acquire('k')).detach();
    await expect(manager.attach(ticket)).rejects.toMatchObject(refusal);
    expect(await lock.release()).toBe('released');
  });
});

describe('a lock that is moved over a bad connection', () => {
  let proxy: TcpProxy;
  let bad: LockManager;
  let good: LockManager;

  beforeEach(async () => {
    const keyPrefix = uniquePrefix();
    proxy = closing(await TcpProxy.start(sharedRedisPort()));
    bad = openManager(proxy.url, { keyPrefix, shutdownTimeout: '30s' });
    good = openManager(sharedRedisUrl(), { keyPrefix });
    for (const manager of [bad, good]) await manager.withLock('warm-up', () => {});
  });

  it('is detached though the answer was lost', async () => {
    const lock = await bad.acquire('k');
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });

    const ticket = await lock.detach();

    await cut;
    expect((await good.attach(ticket)).fencingToken).toBe(lock.fencingToken);
  });

  it('is attached though the answer was lost, and once', async () => {
    const ticket = await (await good.acquire('k')).detach();
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });

    const lock = await bad.attach(ticket);

    await cut;
    lock.assertHeld();
    await expect(good.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await lock.release()).toBe('released');
  });

  it('is detached by a holder whose application is closing', async () => {
    const lock = await bad.acquire('k');
    proxy.delayReplies(200);
    const closed = bad.close();

    const ticket = await lock.detach();

    await closed;
    (await good.attach(ticket)).assertHeld();
  });

  it("is the ticket's again when its application closes before the answer of its attachment", async () => {
    const ticket = await (await good.acquire('k')).detach();
    proxy.delayReplies(200);
    const attaching = expect(bad.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
    await bad.close();
    await attaching;

    (await good.attach(ticket)).assertHeld();
  });
});

describe('a lock that a request takes and a job gives back', () => {
  it('outlives the process of the request', async () => {
    const keyPrefix = uniquePrefix();
    const args = [JSON.stringify({ connection: sharedRedisUrl(), keyPrefix })];
    const [request, job] = [1, 2].map(() => closing(Child.start('locker.mjs', { args })));
    const here = openManager(sharedRedisUrl(), { keyPrefix });
    const redis = openClient(sharedRedisUrl());
    await Promise.all([request!.next('ready'), job!.next('ready')]);

    request!.send({ type: 'lock', id: 1, key: 'export:7', options: { label: 'Exports.start' } });
    const { fence } = await request!.next('entered');
    request!.send({ type: 'detach', id: 1 });
    const { ticket } = await request!.next('detached');
    request!.send({ type: 'end', id: 1 });
    expect(await request!.next('ended')).toMatchObject({ result: 'done' });
    request!.send({ type: 'shutdown' });
    expect(await request!.exited).toMatchObject({ code: 0 });
    expect((await here.inspect('export:7'))!.holders).toMatchObject([
      { label: 'Exports.start', pid: request!.pid },
    ]);
    const waiting = here.acquire('export:7', { wait: '60s' });

    job!.send({ type: 'attach', id: 2, ticket });

    expect(await job!.next('attached')).toMatchObject({ key: 'export:7', fence });
    expect((await here.inspect('export:7'))!.holders).toMatchObject([{ pid: job!.pid }]);
    job!.send({ type: 'end', id: 2 });
    expect(await job!.next('ended')).toMatchObject({ result: 'released' });
    const next = await waiting;
    expect(next.fencingToken).toBeGreaterThan(fence as number);
    await next.release();
    expect(await redis.keys(`${keyPrefix}[^!]*`)).toEqual([]);
  });
});
