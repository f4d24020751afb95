import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { RedisLockConnection } from '../../../lib/redis/connection/connection.js';
import { afterTest, closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { RedisQuorum } from '../../support/redis-quorum.js';
import { RedisSentinel } from '../../support/redis-sentinel.js';
import { RedisServer } from '../../support/redis-server.js';
import { timed } from '../../support/timed.js';

interface Place {
  readonly connection: RedisLockConnection;
  /** One for each server that keeps locks. */
  readonly admins: readonly Redis[];
}

/** Gives every server of the place a new password for its user, and ends the user's connections. */
async function rotate({ admins }: Place, password: string): Promise<void> {
  for (const admin of admins) {
    const rights = ['on', 'resetpass', `>${password}`, '~*', '&*', '+@all'];
    await admin.call('ACL', 'SETUSER', 'locks', ...rights);
    await admin.call('CLIENT', 'KILL', 'USER', 'locks');
  }
}

/** Whose connections a server has, the admin's aside. */
async function usersAt(admin: Redis): Promise<string[]> {
  const list = (await admin.client('LIST')) as string;
  const own = await admin.client('ID');
  return list
    .split('\n')
    .filter((line) => line.includes('cmd=') && !line.startsWith(`id=${own} `))
    .map((line) => `${/user=(\S+)/.exec(line)?.[1]} ${/cmd=(\w+)/.exec(line)?.[1]}`);
}

async function expectToLock(a: LockManager, b: LockManager): Promise<void> {
  for (const key of ['one', 'two', 'three', 'four', 'five']) {
    const lock = await a.acquire(key, { wait: 10_000 });
    const next = b.acquire(key, { wait: 10_000 });
    await eventually(async () => expect((await a.inspect(key))?.waiters).toBe(1));
    await lock.release();
    await (await next).release();
  }
}

describe.each(['one server', 'a primary behind Sentinel', 'a Cluster', 'a quorum'])(
  'credentials that change, on %s',
  (topology) => {
    let place: Place;
    const stops: (() => Promise<unknown>)[] = [];

    beforeAll(async () => {
      place = await PLACES[topology]!((stop) => stops.unshift(stop));
    });

    afterAll(async () => {
      for (const stop of stops) await stop();
    });

    it('are asked for before every connection, and no other are used', async () => {
      let password = 'first';
      await rotate(place, password);
      const asked: string[] = [];
      const credentials = async () => {
        asked.push(password);
        return { username: 'locks', password };
      };
      const managers = [1, 2].map(() => openManager(place.connection, { credentials }));
      const [a, b] = managers as [LockManager, LockManager];
      await expectToLock(a, b);

      password = 'second';
      await rotate(place, password);
      await expectToLock(a, b);

      expect(asked).toContain('first');
      expect(asked.at(-1)).toBe('second');
      const users = await Promise.all(place.admins.map(usersAt));
      expect(users.flat().filter((user) => user.startsWith('locks '))).not.toHaveLength(0);
      expect(users.flat().filter((user) => /default (evalsha|time|script)/.test(user))).toEqual([]);
    });
  },
);

const PLACES: Record<string, (stop: (how: () => Promise<unknown>) => void) => Promise<Place>> = {
  'one server': async (stop) => {
    const server = await RedisServer.start();
    stop(() => server.stop());
    return { connection: server.url, admins: [adminOf(server, stop)] };
  },
  'a quorum': async (stop) => {
    const quorum = await RedisQuorum.start(3);
    stop(() => quorum[Symbol.asyncDispose]());
    const admins = quorum.servers.map((server) => adminOf(server, stop));
    return { connection: quorum.urls, admins };
  },
  'a Cluster': async (stop) => {
    const cluster = await RedisCluster.start();
    stop(() => cluster[Symbol.asyncDispose]());
    const admins = cluster.members.map(({ client }) => client);
    return { connection: { cluster: cluster.nodes }, admins };
  },
  'a primary behind Sentinel': async (stop) => {
    const group = await RedisSentinel.start();
    stop(() => group[Symbol.asyncDispose]());
    return { connection: group.options, admins: group.servers.map((one) => group.admin(one)) };
  },
};

function adminOf({ port }: RedisServer, stop: (how: () => Promise<unknown>) => void): Redis {
  const admin = new Redis(port);
  stop(async () => admin.disconnect());
  return admin;
}

describe('credentials', () => {
  it('that can’t be had are told as the cause, and asked for again', async () => {
    const server = closing(await RedisServer.start({ args: ['--requirepass', 'p'] }));
    let ready = false;
    const credentials = () => {
      if (!ready) throw Object.assign(new Error('the vault is sealed'), { code: 'SEALED' });
      return { password: 'p' };
    };
    const manager = openManager(server.url, { credentials });

    const { error } = await timed(manager.acquire('k', { wait: 300 }));
    ready = true;
    const lock = await manager.acquire('k', { wait: 10_000 });

    expect(error).toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      nodes: [`127.0.0.1:${server.port}`],
      cause: { message: 'credentials() failed: the vault is sealed', code: 'SEALED' },
    });
    await lock.release();
  });

  it.each([
    [
      'never come',
      () => new Promise<never>(() => {}),
      'credentials() has not answered within 1000 ms',
    ],
    ['are none', () => undefined as never, 'credentials() failed: it must give'],
    ['are no text', () => ({ password: 7 }) as never, 'credentials() failed: it must give'],
    ['are refused', () => ({ password: 'S3CRET' }), 'WRONGPASS'],
  ])('that %s are told as the cause, without what they are', async (_how, credentials, cause) => {
    const server = closing(await RedisServer.start({ args: ['--requirepass', 'p'] }));
    const manager = openManager(server.url, { credentials });

    const { error } = await timed(manager.acquire('k', { wait: 1500 }));

    expect(error).toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      nodes: [`127.0.0.1:${server.port}`],
      cause: { message: expect.stringContaining(cause) },
    });
    expect(`${(error as Error).message} ${JSON.stringify(error)}`).not.toContain('S3CRET');
  });

  it('of a client that was handed in are read again at each reconnect', async () => {
    const server = closing(await RedisServer.start({ args: ['--requirepass', 'one'] }));
    const client = openClient(`redis://:one@127.0.0.1:${server.port}`);
    const [a, b] = [openManager(client), openManager(client)];
    await expectToLock(a, b);
    const admin = openClient(`redis://:one@127.0.0.1:${server.port}`);

    await admin.config('SET', 'requirepass', 'two');
    client.options.password = 'two';
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => undefined);

    await expectToLock(a, b);
  });

  it('are not asked for after the service was closed', async () => {
    const server = closing(await RedisServer.start());
    let give: (login: { password: string }) => void = () => undefined;
    const manager = openManager(server.url, {
      credentials: () => new Promise((resolve) => (give = resolve)),
    });
    const admin = openClient(server.url);
    afterTest(() => admin.disconnect());

    await manager.close();
    give({ password: 'x' });

    await new Promise((resolve) => setImmediate(resolve));
    expect(await usersAt(admin)).toEqual([]);
  });
});
