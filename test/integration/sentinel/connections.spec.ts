import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisOptions } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { afterTest, closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisSentinel } from '../../support/redis-sentinel.js';
import type { RedisServer } from '../../support/redis-server.js';
import { uniquePrefix } from '../../support/shared-redis.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

const byNumber = (a: number, b: number): number => a - b;

describe('a connection by way of Sentinel', () => {
  let group: RedisSentinel;
  /** Not the one that the test itself asks. */
  let hung: RedisServer;

  beforeAll(async () => {
    group = await RedisSentinel.start();
    hung = group.sentinels[2]!;
  }, 120_000);

  afterAll(() => group.stop());

  /** Resolves when somebody listens to this Sentinel. */
  const listened = (sentinel: RedisServer): Promise<void> =>
    eventually(async () => {
      expect(await group.admin(sentinel).client('LIST')).toContain(' sub=1 ');
    });

  const proxies = (count: number): Promise<TcpProxy[]> =>
    Promise.all(
      group.sentinels.slice(0, count).map(async ({ port }) => closing(await TcpProxy.start(port))),
    );

  const via = (all: readonly TcpProxy[]) => ({ ...group.optionsVia(all), updateSentinels: false });

  const isListened = ({ openConnections }: TcpProxy): boolean =>
    openConnections.some(({ isSubscriber }) => isSubscriber);

  /** A service whose every way to the Sentinels is a proxy, once it listens to all three. */
  async function listening(options: Partial<RedisOptions> = {}) {
    const all = await proxies(3);
    const keyPrefix = uniquePrefix();
    // No probe of a socket is late on a busy machine.
    const manager = openManager({ ...via(all), ...options }, { keyPrefix, commandTimeout: 5000 });
    await manager.withLock('warm-up', () => {});
    await eventually(() => expect(all.every(isListened)).toBe(true));
    return { all, keyPrefix, manager };
  }

  /**
   * A failover, up to the word of the first Sentinel that it is over. The old primary takes no orders:
   * Sentinel would make it a replica after ten seconds, and then its clients leave it anyway.
   */
  async function failoverIsTold(): Promise<void> {
    const old = group.admin(await group.primary());
    await old.call('ACL', 'SETUSER', 'default', '-slaveof');
    const observer = openClient(group.sentinels[0]!.url, { enableReadyCheck: false });
    await observer.subscribe('+switch-master');
    const told = once(observer, 'message');
    await group.failover();
    await told;
  }

  /** Takes locks until one is at the new primary, while the old one still takes itself for one. */
  async function leavesOldPrimary(
    manager: LockManager,
    keyPrefix: string,
    old: RedisServer,
  ): Promise<void> {
    await eventually(async () => {
      const lock = await manager.acquire('k');
      const isThere = await group.admin(await group.primary()).exists(`${keyPrefix}k`);
      await lock.release();
      expect(isThere).toBe(1);
    });
    expect(await group.admin(old).info('replication')).toContain('role:master');
  }

  async function settle(): Promise<void> {
    for (const server of group.servers)
      await group.admin(server).call('ACL', 'SETUSER', 'default', '+slaveof');
    await group.settle();
  }

  it('is not held up by a Sentinel that hangs', async () => {
    hung.pause();
    afterTest(() => hung.resume());
    const options = group.optionsVia([hung, ...group.sentinels]);
    const manager = openManager(options, { keyPrefix: uniquePrefix(), wait: 10_000 });

    const lock = await manager.acquire('k');

    expect(await lock.release()).toBe('released');
  });

  it('comes to the new primary when the failover is told while it is still on its way to the old one', async () => {
    const [first, second] = group.sentinels;
    const slow = closing(await TcpProxy.start(second!.port));
    slow.holdReplies({ containing: 'get-master-addr-by-name' });
    const options = { ...group.optionsVia([slow, first!]), updateSentinels: false };
    const keyPrefix = uniquePrefix();
    const manager = openManager(options, { keyPrefix, commandTimeout: 20_000, wait: 30_000 });
    const acquiring = manager.acquire('k');
    await listened(first!);
    // For commands, for pushes, and the one that watches Sentinel.
    await eventually(() => expect(slow.holding).toBe(3));

    await failoverIsTold();
    await slow.pass();
    const lock = await acquiring;

    const primary = await group.primary();
    expect(await group.admin(primary).exists(`${keyPrefix}k`)).toBe(1);
    expect(await lock.release()).toBe('released');
    await settle();
  }, 300_000);

  it('is made when the Sentinels come back, though the options forbid to try again', async () => {
    const [proxy] = await proxies(1);
    proxy!.refuse();
    const options = { ...via([proxy!]), sentinelRetryStrategy: () => null };
    const manager = openManager(options, { keyPrefix: uniquePrefix() });
    await expect(manager.acquire('k', { wait: 100 })).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });

    await proxy!.pass();
    const lock = await manager.acquire('k', { wait: 10_000 });

    expect(await lock.release()).toBe('released');
  });

  it('leaves the old primary also when the Sentinels could not be heard as they told', async () => {
    const { all, keyPrefix, manager } = await listening();
    for (const proxy of all) {
      proxy.refuse();
      proxy.dropConnections();
    }
    const old = await group.primary();

    await failoverIsTold();
    await Promise.all(all.map((proxy) => proxy.pass()));

    await leavesOldPrimary(manager, keyPrefix, old);
    await settle();
  }, 300_000);

  it('leaves the old primary by the word of a Sentinel that is heard for the first time', async () => {
    const [known, ...late] = await proxies(3);
    for (const proxy of late) proxy.refuse();
    const keyPrefix = uniquePrefix();
    const manager = openManager(via([known!, ...late]), { keyPrefix });
    await manager.withLock('warm-up', () => {});
    await eventually(() => expect(isListened(known!)).toBe(true));
    known!.refuse();
    for (const connection of known!.openConnections) connection.drop();
    const old = await group.primary();

    await failoverIsTold();
    await Promise.all(late.map((proxy) => proxy.pass()));

    await leavesOldPrimary(manager, keyPrefix, old);
    await settle();
  }, 300_000);

  it('hears Sentinels again whose sockets had become half open', async () => {
    const { all } = await listening();

    for (const proxy of all) proxy.halfOpen();
    const silenced = all.map(({ connections }) => connections.length);

    await eventually(
      () => {
        for (const [i, { connections }] of all.entries())
          expect(connections.slice(silenced[i]).some(({ isSubscriber }) => isSubscriber)).toBe(
            true,
          );
      },
      { within: 20_000 },
    );
  });

  it('is at the primary under the name that natMap gives it, and stays there', async () => {
    const servers = await Promise.all(
      group.servers.map(async ({ port }) => closing(await TcpProxy.start(port))),
    );
    const natMap = Object.fromEntries(
      group.servers.map(({ port }, i) => [
        `127.0.0.1:${port}`,
        { host: '127.0.0.1', port: servers[i]!.port },
      ]),
    );
    const { manager } = await listening({ natMap });

    await failoverIsTold();
    const lock = await manager.acquire('k');
    await eventually(() => {
      const open = servers.map(({ openConnections }) => openConnections.length);
      expect(open.sort(byNumber)).toEqual([0, 0, 2]);
    });

    expect(await lock.release()).toBe('released');
    const made = servers.map(({ connections }) => connections.length);
    expect(made.sort(byNumber)).toEqual([0, 2, 2]);
    await settle();
  }, 300_000);
});
