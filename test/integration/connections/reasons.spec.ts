import { connect as dial, createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { RedisLockConnection } from '../../../lib/redis/connection/connection.js';
import { afterTest, closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisServer } from '../../support/redis-server.js';
import { freePort } from '../../support/spawn-redis.mjs';
import { timed } from '../../support/timed.js';

/** What a manager tells of Redis, as one line each. */
function troublesOf(manager: LockManager): string[] {
  const told: string[] = [];
  manager.onTrouble(({ nodes, cause }) => void told.push(`${nodes.join(' ')}: ${cause.message}`));
  return told;
}

/** Every form of a connection to one port. */
const FORMS: Record<string, (url: string) => RedisLockConnection> = {
  'one server': (url) => url,
  'a Cluster': (url) => ({ cluster: [url] }),
};

/** Makes a user `u`, password `p`. */
async function allow(server: RedisServer, rights: string[]): Promise<void> {
  const admin = openClient(server.url);
  await admin.call('ACL', 'SETUSER', 'u', 'on', '>p', '~*', '&*', ...rights);
}

const port = (server: RedisServer) => `127.0.0.1:${server.port}`;

describe.each(Object.entries(FORMS))('the first contact with %s', (_form, connect) => {
  it.each([
    ['a wrong password', 'redis://:S3CRET@', ['--requirepass', 'p'], 'WRONGPASS'],
    ['no password', 'redis://', ['--requirepass', 'p'], 'NOAUTH'],
    ['no rights', 'redis://u:p@', ['+ping'], 'NOPERM'],
  ])(
    'with %s fails with the cause and the node, for a call and at start',
    async (_why, login, args, cause) => {
      const mode = _form === 'a Cluster' ? ['--cluster-enabled', 'yes'] : [];
      const rights = args.filter((arg) => arg.startsWith('+'));
      const server = closing(
        await RedisServer.start({ args: [...(rights.length > 0 ? [] : args), ...mode] }),
      );
      if (rights.length > 0) await allow(server, rights);
      const manager = openManager(connect(`${login}${port(server)}`));
      const told = troublesOf(manager);

      const { error } = await timed(manager.acquire('k', { wait: 1500 }));

      expect(error).toMatchObject({
        code: 'LOCK_UNAVAILABLE',
        nodes: [port(server)],
        cause: { message: expect.stringContaining(cause) },
      });
      expect(told.filter((line) => line.includes(cause)).slice(0, 1)).toEqual([
        expect.stringContaining(port(server)),
      ]);
      expect(`${told.join()}${String(error)}${JSON.stringify(error)}`).not.toContain('S3CRET');
    },
  );

  it('refused fails with the cause and the node, told once', async () => {
    const closed = await freePort();
    const manager = openManager(connect(`redis://127.0.0.1:${closed}`));
    const told = troublesOf(manager);

    const calls = ['a', 'b'].map((key) => timed(manager.acquire(key, { wait: 1500 })));

    for (const { error } of await Promise.all(calls))
      expect(error).toMatchObject({
        code: 'LOCK_UNAVAILABLE',
        nodes: [`127.0.0.1:${closed}`],
        cause: { code: 'ECONNREFUSED' },
      });
    expect(told).toEqual([expect.stringMatching(`^127.0.0.1:${closed}: connect ECONNREFUSED`)]);
  });

  it('at an unknown host, or without the TLS that it speaks, fails with the cause', async () => {
    const server = closing(await RedisServer.start());
    for (const url of ['redis://no-such-host.invalid:6379', `rediss://${port(server)}`]) {
      const manager = openManager(connect(url));
      const { error } = await timed(manager.acquire('k', { wait: 1500 }));

      expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE', cause: expect.any(Error) });
      expect((error as { nodes: string[] }).nodes).toHaveLength(1);
    }
  });
});

describe('a Cluster', () => {
  it('that is none says what to write, for every call', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager({ cluster: [server.url] });

    const fault = {
      code: 'LOCK_CONFIG',
      message: expect.stringContaining('no node of a Redis Cluster'),
    };
    await expect(manager.acquire('k', { wait: 2000 })).rejects.toMatchObject(fault);
    await expect(manager.inspect('k')).rejects.toMatchObject(fault);
    await expect(manager.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject(fault);
  });

  it.each(Object.entries(FORMS))(
    'that can’t be reached does not list as one without locks: %s',
    async (_form, connect) => {
      const manager = openManager(connect(`redis://127.0.0.1:${await freePort()}`));

      await expect(manager.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        code: 'LOCK_UNAVAILABLE',
        keys: [],
        message: expect.stringMatching(/^Locks are unavailable: /),
        cause: { code: 'ECONNREFUSED' },
      });
    },
  );
});

describe('what is wrong though calls go on', () => {
  it('a refused subscription is told with its cause', async () => {
    const server = closing(await RedisServer.start());
    await allow(server, ['+@all', '-subscribe']);
    const manager = openManager(`redis://u:p@${port(server)}`);
    const told = troublesOf(manager);

    await (await manager.acquire('k')).release();

    await eventually(async () =>
      expect(told).toEqual([expect.stringMatching(/NOPERM.*subscribe/)]),
    );
  });

  it('a refused subscription in a Cluster is told with its cause, and waiters are served', async () => {
    const server = closing(await RedisServer.start({ args: ['--cluster-enabled', 'yes'] }));
    const admin = openClient(server.url);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(async () => expect(await admin.cluster('INFO')).toContain('state:ok'));
    await allow(server, ['+@all', '-ssubscribe']);
    const connection = { cluster: [`redis://u:p@${port(server)}`] };
    const [holder, waiter] = [openManager(connection), openManager(connection)];
    const told = troublesOf(waiter);
    const lock = await holder.acquire('k');

    const waiting = waiter.acquire('k', { wait: '30s' });
    await eventually(() => expect(told).toEqual([expect.stringMatching(/NOPERM.*ssubscribe/)]));
    await lock.release();

    await (await waiting).release();
  });

  it('one node of a quorum that is down is told with its address', async () => {
    const servers = await Promise.all([1, 2].map(async () => closing(await RedisServer.start())));
    const closed = await freePort();
    const urls = [...servers.map(({ url }) => url), `redis://127.0.0.1:${closed}`];
    const manager = openManager(urls);
    const told = troublesOf(manager);

    await (await manager.acquire('k')).release();

    expect(told).toEqual([expect.stringMatching(`^127.0.0.1:${closed}: connect ECONNREFUSED`)]);
  });

  it('a trouble from before anybody listened is told to the listener', async () => {
    const manager = openManager(`redis://127.0.0.1:${await freePort()}`);
    await timed(manager.acquire('k', { wait: 300 }));

    expect(troublesOf(manager)).toEqual([expect.stringContaining('ECONNREFUSED')]);
  });

  it('a server that is too old is named with its version', async () => {
    const server = closing(await RedisServer.start());
    const version = (await openClient(server.url).info('server')).match(/redis_version:(\S+)/)?.[1];
    const manager = openManager(await olderFront(server, version ?? ''));
    const told = troublesOf(manager);

    await (await manager.acquire('k')).release();

    expect(told).toEqual([
      expect.stringMatching(/it is Redis 5\.\S+, and locks need 7\.0 or newer/),
    ]);
  });
});

/** A way to `server` on which it says that it is Redis 5. */
async function olderFront(server: RedisServer, version: string): Promise<string> {
  const sockets = new Set<Socket>();
  const front = createServer((client) => {
    const target = dial(server.port, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => [client, target].forEach((each) => each.destroy()));
    }
    client.pipe(target);
    target.on('data', (data) => {
      const text = data.toString('latin1');
      const older = text.replace(`redis_version:${version}`, `redis_version:5${version.slice(1)}`);
      client.write(Buffer.from(older, 'latin1'));
    });
  });
  const free = await freePort();
  await new Promise<void>((resolve) => front.listen(free, '127.0.0.1', resolve));
  afterTest(() => {
    front.close();
    for (const socket of sockets) socket.destroy();
  });
  return `redis://127.0.0.1:${free}`;
}
