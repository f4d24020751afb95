import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { RedisLockConnection } from '../../../lib/redis/connection/connection.js';
import { afterTest, closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { timed } from '../../support/timed.js';

/** Locks, waits and hands over between two processes on `connection`. */
async function expectToWork(...managers: LockManager[]): Promise<void> {
  const [a, b = a] = managers as [LockManager, LockManager?];
  const lock = await a.acquire('k');
  expect(await b.tryAcquire('k')).toBeNull();
  const next = b.acquire('k');
  await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
  await lock.release();
  const entered = await timed(next);
  expect(entered.ms).toBeLessThan(2000);
  await entered.value?.extend();
  await entered.value?.release();
}

function openBoth(connection: RedisLockConnection, options = {}): [LockManager, LockManager] {
  return [openManager(connection, options), openManager(connection, options)];
}

describe('a connection', () => {
  it('by URL works, with database, user and password in it', async () => {
    const server = closing(
      await RedisServer.start({ args: ['--requirepass', 'p@ss', '--databases', '4'] }),
    );
    const url = `redis://default:${encodeURIComponent('p@ss')}@127.0.0.1:${server.port}/3`;
    const [a, b] = openBoth(url);

    await expectToWork(a, b);
    await a.acquire('held');

    const observer = openClient(url);
    expect(await observer.exists('lock:held')).toBe(1);
    await observer.select(0);
    expect(await observer.keys('*')).toEqual([]);
  });

  it('by options honours keyPrefix and db', async () => {
    const server = closing(await RedisServer.start({ args: ['--databases', '4'] }));
    const options = { host: '127.0.0.1', port: server.port, db: 2, keyPrefix: 'app:' };
    const [a, b] = openBoth(options, { keyPrefix: 'locks/' });

    await expectToWork(a, b);
    await a.acquire('held');

    const observer = openClient(server.url, { db: 2 });
    expect((await observer.keys('*')).sort()).toEqual(['app:locks/!fence', 'app:locks/held']);
    const listed: string[] = [];
    for await (const { key } of b.list()) listed.push(key);
    expect(listed).toEqual(['held']);
  });

  it('by a list of one node is that node', async () => {
    const server = closing(await RedisServer.start());

    await expectToWork(...openBoth([server.url]));
  });

  it.each(['unix://', ''])('by the path of a unix socket works, as %p + path', async (scheme) => {
    const dir = await mkdtemp(join(tmpdir(), 'lock-'));
    afterTest(() => rm(dir, { recursive: true, force: true }));
    const path = join(dir, 'redis.sock');
    closing(await RedisServer.start({ args: ['--unixsocket', path] }));

    await expectToWork(...openBoth(`${scheme}${path}`));
  });

  it('with an empty prefix puts locks at the top, beside the application’s own keys', async () => {
    const server = closing(await RedisServer.start());
    const observer = openClient(server.url);
    await observer.rpush('jobs', 'a list');
    const [a, b] = openBoth(server.url, { keyPrefix: '' });

    await expectToWork(a, b);
    await a.acquire('held');

    expect((await observer.keys('*')).sort()).toEqual(['!fence', 'held', 'jobs']);
    const listed: string[] = [];
    for await (const { key } of b.list()) listed.push(key);
    expect(listed).toEqual(['held']);
  });

  it('with a prefix of glob characters lists its own locks', async () => {
    const server = closing(await RedisServer.start());
    const a = openManager(server.url, { keyPrefix: 'a[b]*?\\:' });
    const other = openManager(server.url, { keyPrefix: 'abXY\\:' });
    await a.acquire('mine');
    await other.acquire('theirs');

    const listed: string[] = [];
    for await (const { key } of a.list()) listed.push(key);

    expect(listed).toEqual(['mine']);
  });
});

describe('a client of the application', () => {
  it('is not closed, subscribed or reconfigured, and its prefix and db are honoured', async () => {
    const server = closing(await RedisServer.start({ args: ['--databases', '4'] }));
    const client = openClient(server.url, { keyPrefix: 'app:', db: 1, connectionName: 'mine' });
    await client.set('own', '1');
    const before = { ...client.options };
    const listeners = client.eventNames().map((name) => [name, client.listenerCount(name)]);
    const [a, b] = openBoth(client);

    await expectToWork(a, b);
    await a.acquire('held');
    expect(await client.keys('*')).toEqual(expect.arrayContaining(['app:lock:held', 'app:own']));
    await Promise.all([a.close(), b.close()]);

    expect(client.status).toBe('ready');
    expect({ ...client.options }).toEqual(before);
    expect(client.eventNames().map((name) => [name, client.listenerCount(name)])).toEqual(
      listeners,
    );
    expect(await client.get('own')).toBe('1');
    const connections = String(await client.client('LIST'))
      .trim()
      .split('\n');
    expect(connections).toHaveLength(1);
    expect(connections[0]).toContain(' sub=0 ');
  });

  it('with settings that would harm locks is copied without them', async () => {
    const server = closing(await RedisServer.start());
    const client = openClient(server.url, {
      lazyConnect: true,
      enableAutoPipelining: true,
      stringNumbers: true,
      commandTimeout: 1,
      maxRetriesPerRequest: null,
      autoResubscribe: false,
      retryStrategy: () => null,
    });

    await expectToWork(...openBoth(client));

    expect(client.status).toBe('wait');
  });

  it('that was closed by the application does not take the locks along', async () => {
    const server = closing(await RedisServer.start());
    const client = openClient(server.url);
    const [a, b] = openBoth(client);
    await a.withLock('k', () => {});
    client.disconnect();

    await expectToWork(a, b);
  });

  it('of another copy of ioredis is known by its shape', async () => {
    const server = closing(await RedisServer.start());
    const copy = new Redis(server.url);
    afterTest(() => copy.disconnect());
    Object.setPrototypeOf(copy, Object.create(Object.getPrototypeOf(copy) as object));

    await expectToWork(...openBoth(copy));
  });
});

describe('a user of Redis with few rights (ACL)', () => {
  const RIGHTS = [
    '~lock:*',
    '&lock:!g:*',
    '+hello',
    '+ping',
    '+info',
    '+subscribe',
    '+publish',
    '+eval',
    '+evalsha',
    '+script|load',
    '+scan',
    '+time',
    '+get',
    '+set',
    '+del',
    '+exists',
    '+pttl',
    '+pexpire',
    '+zadd',
    '+zrem',
    '+zcard',
    '+zscore',
    '+zrank',
    '+zrange',
    '+zrangebyscore',
    '+zpopmin',
  ];

  it('can do everything with these', async () => {
    const server = closing(await RedisServer.start());
    const admin = openClient(server.url);
    await admin.acl('SETUSER', 'locker', 'on', '>secret', ...RIGHTS);
    const [a, b] = openBoth(`redis://locker:secret@127.0.0.1:${server.port}`);

    await expectToWork(a, b);
    await a.withLock('k', () => {}, { minHold: 50 });
    await a.acquire('held');
    for await (const { key } of b.list()) expect(['k', 'held']).toContain(key);
    expect(await b.forceRelease('held')).toBe(true);

    // The client tells its version, and does not mind when it may not.
    const denied = ((await admin.acl('LOG')) as unknown[]).map(String);
    expect(denied.filter((entry) => !entry.includes('object,client'))).toEqual([]);
  });

  it('without the right to a command is unavailable, with the reason', async () => {
    const server = closing(await RedisServer.start());
    const admin = openClient(server.url);
    const rights = RIGHTS.filter((right) => right !== '+set');
    await admin.acl('SETUSER', 'locker', 'on', '>secret', ...rights);
    const manager = openManager(`redis://locker:secret@127.0.0.1:${server.port}`);

    const { error } = await timed(manager.acquire('k', { wait: 1000 }));

    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(String((error as { cause?: unknown }).cause)).toContain('run this command');
  });

  it('without the right to listen waits by asking', async () => {
    const server = closing(await RedisServer.start());
    const admin = openClient(server.url);
    const rights = RIGHTS.filter((right) => right !== '+subscribe');
    await admin.acl('SETUSER', 'locker', 'on', '>secret', ...rights);
    const [a, b] = openBoth(`redis://locker:secret@127.0.0.1:${server.port}`);
    const lock = await a.acquire('k', { ttl: 300 });
    const waiting = timed(b.acquire('k', { wait: 20_000 }));
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));

    await lock.release();

    const { value, ms } = await waiting;
    expect(value).toBeDefined();
    expect(ms).toBeLessThan(2500 + NOISE_MS);
    await value?.release();
  });
});

describe('what can’t be a connection', () => {
  it.each([
    ['nothing', undefined],
    ['an empty list', []],
    ['two nodes', ['redis://a', 'redis://b']],
    ['a number', 6379],
    ['a word', 'localhost'],
  ])('is refused: %s', (_, connection) => {
    expect(() => openManager(connection as RedisLockConnection)).toThrow(
      expect.objectContaining({ code: 'LOCK_CONFIG' }),
    );
  });
});
