import { describe, expect, it } from '@jest/globals';
import type { RedisOptions } from 'ioredis';
import { StandaloneConnector } from 'ioredis/built/connectors/index.js';

import { afterTest, closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

const UNAVAILABLE = { code: 'LOCK_UNAVAILABLE' };

async function proxied(): Promise<{ server: RedisServer; proxy: TcpProxy }> {
  const server = closing(await RedisServer.start());
  return { server, proxy: closing(await TcpProxy.start(server.port)) };
}

/** Resolves when a service has opened so many connections, one of them to listen. */
const opened = (proxy: TcpProxy, count: number): Promise<void> =>
  eventually(() => {
    expect(proxy.openConnections).toHaveLength(count);
    expect(proxy.openConnections.some(({ isSubscriber }) => isSubscriber)).toBe(true);
  });

describe('a connection that was lost', () => {
  it.each(['refuses', 'says nothing'])(
    'comes back under steady load after a time in which the server %s',
    async (fault) => {
      const { proxy } = await proxied();
      const manager = openManager(proxy.url, { commandTimeout: 300 + NOISE_MS });
      await manager.withLock('warm-up', () => {});
      if (fault === 'refuses') proxy.refuse();
      else proxy.blackHole();
      proxy.dropConnections();
      let calls = 0;
      let failures = 0;
      let served = 0;
      const load = setInterval(() => {
        const lock = manager.tryAcquire(`k${(calls += 1)}`).then((held) => held?.release());
        lock.then(
          () => (served += 1),
          () => (failures += 1),
        );
      }, 5);
      afterTest(() => clearInterval(load));
      await eventually(() => expect(failures).toBeGreaterThan(100));

      await proxy.pass();
      // What a connection is made of takes several of them.
      proxy.delayReplies((300 + NOISE_MS) / 10);

      await eventually(() => expect(served).toBeGreaterThan(0), { within: 30_000 });
    },
  );

  it('is made again when the user’s connector has failed', async () => {
    const { server } = await proxied();
    let fails = true;
    class Tunnel extends StandaloneConnector {
      override connect(notify: never): ReturnType<StandaloneConnector['connect']> {
        return fails ? Promise.reject(new Error('no tunnel')) : super.connect(notify);
      }
    }
    const Connector = Tunnel as NonNullable<RedisOptions['Connector']>;
    const manager = openManager({ port: server.port, Connector });
    await expect(manager.acquire('k', { wait: 100 })).rejects.toMatchObject(UNAVAILABLE);

    fails = false;
    const lock = await manager.acquire('k');

    expect(await lock.release()).toBe('released');
  });
});

describe('a connection whose address leads to another server', () => {
  it.each([
    ['the one that listens follows the one for commands', false],
    ['the one for commands follows the one that listens', true],
  ])('%s', async (_what, dropsSubscriber) => {
    const { proxy } = await proxied();
    const next = closing(await RedisServer.start());
    const manager = openManager(proxy.url);
    await manager.withLock('warm-up', () => {});
    await opened(proxy, 2);

    proxy.leadTo(next.port);
    for (const connection of proxy.openConnections)
      if (connection.isSubscriber === dropsSubscriber) connection.drop();

    const redis = openClient(next.url);
    await eventually(
      async () => {
        expect(await redis.pubsub('CHANNELS', '*')).toHaveLength(1);
        await manager.withLock('k', async () => expect(await redis.exists('lock:k')).toBe(1));
      },
      { within: 15_000 },
    );
  });

  it('leaves a replica also when it only ever refuses several locks at once (READONLY)', async () => {
    const { server, proxy } = await proxied();
    const next = closing(await RedisServer.start());
    const manager = openManager(proxy.url);
    const other = openManager(server.url);
    await Promise.all([other.acquire('a'), other.acquire('b')]);
    await openClient(server.url).replicaof('127.0.0.1', 1);
    proxy.leadTo(next.port);

    await eventually(async () => {
      const both = ['a', 'b'].map((key) => manager.acquire(key, { wait: 5 }));
      const held = (await Promise.allSettled(both)).flatMap((each) =>
        each.status === 'fulfilled' ? [each.value] : [],
      );
      // One alone would be busy in the next try.
      if (held.length < 2) await Promise.all(held.map((lock) => lock.release()));
      expect(held).toHaveLength(2);
    });

    expect(await openClient(next.url).exists('lock:a', 'lock:b')).toBe(2);
  });

  it('is asked every half second at most while it leads to a replica', async () => {
    const { server, proxy } = await proxied();
    const manager = openManager(proxy.url);
    await manager.withLock('warm-up', () => {});
    await openClient(server.url).replicaof('127.0.0.1', 1);
    for (let i = 0; i < 10; i += 1) manager.acquire(`k${i}`).catch(() => undefined);
    const begun = performance.now();
    const before = proxy.connections.length;

    await eventually(() => expect(proxy.connections.length).toBeGreaterThan(before + 6), {
      within: 30_000,
    });

    // The first may go at once.
    expect(performance.now() - begun).toBeGreaterThan(2500);
  });

  it('takes no lock at the one that replicas confirm while commands go to the other', async () => {
    const [first, second] = [await withReplica(), await withReplica()];
    const proxy = closing(await TcpProxy.start(first.port));
    const replicas = { count: 1, timeout: 1000 };
    const manager = openManager(proxy.url, { replicas });
    await manager.withLock('warm-up', () => {});
    await opened(proxy, 3);
    const [commands, grants, subscriber] = proxy.openConnections;

    proxy.leadTo(second.port);
    commands!.drop();
    subscriber!.drop();
    // The client has noticed, and made both anew.
    await eventually(() => expect(proxy.connections.length).toBeGreaterThan(4));
    const lock = await eventually(() => manager.acquire('k', { wait: 2000 }));

    expect(grants!.isOpen).toBe(false);
    expect(await openClient(first.url).exists('lock:k')).toBe(0);
    expect(await lock.release()).toBe('released');
  });
});

/** A primary with a replica that is in step. */
async function withReplica(): Promise<RedisServer> {
  const args = ['--repl-diskless-sync-delay', '0'];
  const primary = closing(await RedisServer.start({ args }));
  closing(await RedisServer.start({ args: [...args, '--replicaof', `127.0.0.1 ${primary.port}`] }));
  const client = openClient(primary.url);
  await eventually(async () => expect(await client.wait(1, 1000)).toBe(1));
  return primary;
}

describe('a subscription that was cut as it was made', () => {
  it('is made anew behind what prepares the connection', async () => {
    const { server, proxy } = await proxied();
    const cut = proxy.cutOnNextReply({ containing: 'subscribe' });
    const [a, b] = [openManager({ port: proxy.port, protocol: 2 }), openManager(server.url)];
    await cut;
    const redis = openClient(server.url);
    await eventually(async () => expect(await redis.pubsub('CHANNELS', '*')).toHaveLength(2));

    const lock = await b.acquire('k');
    const next = a.acquire('k');
    await eventually(async () => expect((await b.inspect('k'))?.waiters).toBe(1));
    await lock.release();
    await (await next).release();

    expect(await redis.info('commandstats')).toMatch(/^cmdstat_info:.*rejected_calls=0,/m);
  });
});

describe('a database', () => {
  it('that is refused as a connection is made anew gets no command that was cut', async () => {
    const { server, proxy } = await proxied();
    const redis = openClient(server.url);
    await redis.call('ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all');
    const user = { username: 'app', password: 'pw' };
    const manager = openManager({ port: proxy.port, db: 2, ...user });
    await manager.withLock('warm-up', () => {});
    await redis.call('ACL', 'SETUSER', 'app', '-select');
    void proxy.cutOnNextReply({ containing: 'evalsha' });

    await expect(manager.acquire('k', { wait: 1500 })).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: { message: expect.stringContaining('NOPERM') },
    });

    expect(await redis.keys('*')).toEqual([]);
  });

  it('that the server does not have is told, and no lock is taken in another one', async () => {
    const server = closing(await RedisServer.start({ args: ['--databases', '4'] }));
    const manager = openManager({ port: server.port, db: 9 });

    await expect(manager.acquire('k', { wait: 500 })).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: { message: expect.stringContaining('DB index is out of range') },
    });

    expect(await openClient(server.url).keys('*')).toEqual([]);
  });

  it('that a user may not select is used as soon as he may', async () => {
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    await redis.call('ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all', '-select');
    const manager = openManager({ port: server.port, db: 2, username: 'app', password: 'pw' });
    await expect(manager.acquire('k', { wait: 500 })).rejects.toMatchObject(UNAVAILABLE);

    await redis.call('ACL', 'SETUSER', 'app', '+select');
    await manager.acquire('k');

    await redis.select(2);
    expect(await redis.exists('lock:k')).toBe(1);
  });
});
