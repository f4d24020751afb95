import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { afterTest, closing } from '../../support/after-test.js';
import { documentedRights } from '../../support/documented-rights.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { RedisServer } from '../../support/redis-server.js';
import {
  freePort,
  makeTemporaryDirectory,
  removeTemporaryDirectory,
} from '../../support/spawn-redis.mjs';
import { makeCertificate } from '../../support/tls.js';
import type { TestCertificate } from '../../support/tls.js';

const USER = { username: 'locks', password: 'password' };

let dir: string;
let certificate: TestCertificate;

beforeAll(() => {
  dir = makeTemporaryDirectory();
  certificate = makeCertificate(dir);
});

afterAll(() => removeTemporaryDirectory(dir));

/** Everything that locks do. */
async function useAll(a: LockManager, b: LockManager): Promise<void> {
  for (const key of ['one', 'two', 'three', 'four']) {
    const lock = await a.acquire(key, { label: 'shop', ttl: 5000 });
    const waiting = b.acquire(key, { minHold: 50 });
    await eventually(async () => expect((await a.inspect(key))?.waiters).toBe(1));
    await lock.extend();
    await lock.release();
    await (await waiting).release();
    const forced = await a.acquire(key);
    expect(await b.forceRelease(key)).toBe(true);
    await expect(forced.release()).resolves.toBe('lost');
    const listed = await a.acquire(key);
    const keys: string[] = [];
    for await (const info of b.list()) keys.push(info.key);
    expect(keys).toEqual([key]);
    await listed.release();
  }
  for (const kind of [{ mode: 'shared' }, { permits: 2, minHold: 50 }] as const) {
    const held = [await a.acquire('kind', kind), await b.acquire('kind', kind)];
    const next = b.acquire('kind', 'permits' in kind ? kind : {});
    await eventually(async () => expect((await a.inspect('kind'))?.waiters).toBe(1));
    for (const lock of held) await lock.extend();
    for (const lock of held) await lock.release();
    await (await next).release();
  }
  const set = await a.acquire(['{s}1', '{s}2']);
  const after = b.acquire(['{s}2', '{s}1', '{s}0']);
  await eventually(async () => expect((await a.inspect('{s}1'))?.waiters).toBe(1));
  await set.release();
  await (await after).release();
}

describe('a Redis user with the documented rights only (A33)', () => {
  it('can do everything on a server that takes TLS only, in its db and under its prefix', async () => {
    const port = await freePort();
    const args = certificate.serverArgs(port);
    const server = closing(await RedisServer.start({ port, args }));
    const tls = { ca: certificate.ca };
    const admin = new Redis({ port: server.port, tls, db: 3 });
    afterTest(() => admin.disconnect());
    await admin.call('ACL', 'SETUSER', USER.username, ...documentedRights().server);
    const options = { port: server.port, tls, db: 3, keyPrefix: 'lock:', ...USER };
    const own = { keyPrefix: '' };
    const [a, b] = [openManager(options, own), openManager(options, own)];

    const lock = await a.acquire('where');
    expect(await admin.get('lock:where')).not.toBeNull();
    await lock.release();
    await useAll(a, b);

    expect(await admin.call('ACL', 'LOG')).toEqual([]);
    await eventually(async () => expect(await admin.keys('*')).toEqual(['lock:!fence']));
  });

  it('is refused by a server whose certificate nobody vouches for', async () => {
    const port = await freePort();
    closing(await RedisServer.start({ port, args: certificate.serverArgs(port) }));
    const manager = openManager({ port, tls: {} });

    await expect(manager.acquire('k', { wait: 300 })).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });
  });

  it('can do everything in a Cluster that takes TLS only', async () => {
    const tls = { ca: certificate.ca };
    const cluster = closing(
      await RedisCluster.start({
        argsOf: (port) => [
          ...certificate.serverArgs(port),
          ...['--tls-cluster', 'yes', '--tls-replication', 'yes'],
        ],
        admin: { tls },
      }),
    );
    const masters = cluster.members.slice(0, 3);
    for (const { client } of masters)
      await client.call('ACL', 'SETUSER', USER.username, ...documentedRights().cluster);
    const connection = { cluster: cluster.nodes, options: { redisOptions: { tls, ...USER } } };

    await useAll(openManager(connection), openManager(connection));

    for (const { client } of masters) expect(await client.call('ACL', 'LOG')).toEqual([]);
  });
});

describe('a Redis user that lacks a right', () => {
  it('has not lost a lock that it may not look at: the failure says what is missing', async () => {
    const server = closing(await RedisServer.start());
    const { server: rights } = documentedRights();
    const admin = openClient(`redis://127.0.0.1:${server.port}`);
    await admin.call('ACL', 'SETUSER', USER.username, ...rights, '-get');
    const manager = openManager({ port: server.port, ...USER }, { keyPrefix: 'lock:' });
    const failures: Error[] = [];
    manager.events.on('unavailable', ({ error }) => void failures.push(error));
    const lock = await manager.acquire('k', { ttl: 5000 });
    await expect(lock.extend()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });

    expect(lock.signal.aborted).toBe(false);
    expect(failures[0]).toMatchObject({ message: expect.stringContaining('lacks a right') });
    await expect(lock.release()).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      reason: 'Redis refused a command inside a script: its user lacks a right.',
    });

    await admin.call('ACL', 'SETUSER', USER.username, '+get');
    await eventually(async () => expect(await admin.exists('lock:k')).toBe(0));
  });
});
