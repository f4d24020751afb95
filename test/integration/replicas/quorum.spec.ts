import { beforeEach, describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { timed } from '../../support/timed.js';

const REPLICAS = { count: 1, timeout: 300 };

describe('locks that a replica of each node of a quorum must have', () => {
  let primaries: RedisServer[];
  let replicas: RedisServer[];
  let a: LockManager;
  let b: LockManager;

  beforeEach(async () => {
    const args = ['--repl-diskless-sync-delay', '0'];
    const start = async (more: string[] = []): Promise<RedisServer> =>
      closing(await RedisServer.start({ args: [...args, ...more] }));
    primaries = await Promise.all([1, 2, 3].map(() => start()));
    replicas = await Promise.all(
      primaries.map(({ port }) => start(['--replicaof', `127.0.0.1 ${port}`])),
    );
    for (const { url } of replicas) {
      const client = openClient(url);
      await eventually(async () =>
        expect(await client.info('replication')).toContain('master_link_status:up'),
      );
    }
    const urls = primaries.map(({ url }) => url);
    const options = { replicas: REPLICAS, wait: 30_000, ttl: 3000 };
    [a, b] = [openManager(urls, options), openManager(urls, options)];
    for (const manager of [a, b]) await manager.withLock('warm-up', () => {});
  });

  const held = (servers: readonly RedisServer[], key: string): Promise<(string | null)[]> =>
    Promise.all(servers.map(({ url }) => openClient(url).get(`lock:${key}`)));
  const count = (values: readonly (string | null)[]): number =>
    values.filter((value) => value !== null).length;

  it('are on those of a majority when they are taken, and when they are handed over', async () => {
    const lock = await a.acquire('k');
    const first = await held(replicas, 'k');
    const waiting = b.acquire('k');
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await lock.release();
    const next = await waiting;
    const second = await held(replicas, 'k');

    expect(count(first)).toBeGreaterThanOrEqual(2);
    const anew = second.filter((token) => token !== null && !first.includes(token));
    expect(anew.length).toBeGreaterThanOrEqual(2);
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
  });

  it.each([0, 1, 2])('are given without the replica of node %i', async (silent) => {
    replicas[silent]!.pause();

    for (let i = 0; i < 3; i += 1) {
      const lock = await a.acquire('k');
      const others = replicas.filter((_, at) => at !== silent);
      expect(count(await held(others, 'k'))).toBe(2);
      expect(await lock.release()).toBe('released');
    }

    replicas[silent]!.resume();
    await eventually(async () => expect(count(await held(primaries, 'k'))).toBe(0));
  });

  it('are given when the connection that waits for the replicas is the last to be ready', async () => {
    const proxies = await Promise.all(
      primaries.map(async ({ port }) => closing(await TcpProxy.start(port))),
    );
    for (const proxy of proxies) proxy.holdReplies();
    const urls = proxies.map(({ url }) => url);
    const late = openManager(urls, { replicas: REPLICAS, commandTimeout: 5000, ttl: 3000 });
    await eventually(() =>
      expect(proxies.map(({ connections }) => connections.length)).toEqual([3, 3, 3]),
    );
    const looked = timed(late.inspect('k'));
    let isOver = false;
    void looked.then(() => (isOver = true));
    await eventually(async () => {
      // For commands, for grants, and for what is published, in this order.
      for (const [commands, , subscriber] of proxies.map(({ connections }) => connections))
        for (const connection of [commands, subscriber]) connection!.release();
      const heard = primaries.map(({ url }) => openClient(url).pubsub('CHANNELS', '*'));
      expect((await Promise.all(heard)).map(({ length }) => length)).toEqual([3, 3, 3]);
      expect(isOver).toBe(true);
    });
    expect(await looked).toMatchObject({ value: null });

    for (const proxy of proxies) await proxy.pass();

    expect(await (await late.acquire('k', { wait: 10_000 })).release()).toBe('released');
  });

  it('are not given, and not kept, when a majority of the replicas is missing', async () => {
    for (const replica of replicas.slice(0, 2)) replica.pause();

    const { error } = await timed(a.acquire('k', { wait: 2000 }));

    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await eventually(async () => expect(count(await held(primaries, 'k'))).toBe(0));
    for (const replica of replicas.slice(0, 2)) replica.resume();
    expect(await (await a.acquire('k')).release()).toBe('released');
  });

  it('are renewed and released though no replica answers', async () => {
    const lock = await a.acquire('k');
    for (const replica of replicas) replica.pause();
    const renewals: unknown[] = [];
    a.events.on('renewed', (event) => renewals.push(event));
    const refused = timed(b.acquire('other', { wait: 2000 }));

    await eventually(() => expect(renewals.length).toBeGreaterThan(2));

    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
    expect((await refused).error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    for (const replica of replicas) replica.resume();
  });
});
