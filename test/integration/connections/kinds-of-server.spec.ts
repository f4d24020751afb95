import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openManager } from '../../support/managers.js';
import { RedisServer } from '../../support/redis-server.js';
import { freePort } from '../../support/spawn-redis.mjs';

/** A server in Cluster mode that has all slots: where a managed "cluster mode" begins. */
async function clusterNode(): Promise<RedisServer> {
  const server = closing(await RedisServer.start({ args: ['--cluster-enabled', 'yes'] }));
  const admin = new Redis(server.port);
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
  while (!(await admin.cluster('INFO')).includes('cluster_state:ok'));
  admin.disconnect();
  return server;
}

/** Every way to ask for locks, by name. */
const CALLS: Record<string, (manager: LockManager) => Promise<unknown>> = {
  acquire: (manager) => manager.acquire('order:7', { wait: 2000 }),
  tryAcquire: (manager) => manager.tryAcquire('order:7'),
  withLock: (manager) => manager.withLock('order:7', () => 1, { wait: 2000 }),
  inspect: (manager) => manager.inspect('order:7'),
  forceRelease: (manager) => manager.forceRelease('order:7'),
  list: (manager) => manager.list()[Symbol.asyncIterator]().next(),
};

describe.each(Object.entries(CALLS))('%s', (_name, call) => {
  it('on a node of a Cluster that was named by its URL says what to write', async () => {
    const server = await clusterNode();

    const asked = call(openManager(server.url));

    await expect(asked).rejects.toMatchObject({
      code: 'LOCK_CONFIG',
      message: expect.stringContaining(`{ cluster: ['127.0.0.1:${server.port}'] }`),
    });
  });

  it('on a quorum with a node of a Cluster among its servers says which', async () => {
    const standalone = await Promise.all(
      [1, 2].map(async () => closing(await RedisServer.start())),
    );
    const member = await clusterNode();

    const asked = call(openManager([...standalone, member].map(({ url }) => url)));

    await expect(asked).rejects.toMatchObject({
      code: 'LOCK_CONFIG',
      message: expect.stringContaining(`127.0.0.1:${member.port}, a node of a Redis Cluster`),
    });
  });

  it('on a Sentinel that was named by its URL says what to write', async () => {
    const port = await freePort();
    const config = `port ${port}\n`;
    const sentinel = closing(await RedisServer.start({ port, config, args: ['--sentinel'] }));

    const asked = call(openManager(sentinel.url));

    await expect(asked).rejects.toMatchObject({
      code: 'LOCK_CONFIG',
      message: expect.stringMatching(/is a Sentinel|to a Sentinel/),
    });
  });
});

describe('a key of another type', () => {
  it('is told as one, not as a Cluster', async () => {
    const server = closing(await RedisServer.start());
    const client = new Redis(server.port);
    await client.rpush('lock:order:7', 'x');
    client.disconnect();

    await expect(openManager(server.url).acquire('order:7')).rejects.toMatchObject({
      code: 'LOCK_CONFIG',
      message: expect.stringContaining('that is no lock'),
    });
  });
});

describe('a command that was asked for before there was a connection', () => {
  it('has a time limit', async () => {
    const server = closing(await RedisServer.start());
    const client = new Redis(server.port);
    const monitor = await client.monitor();
    const limits: string[] = [];
    monitor.on('monitor', (_time, [command = '', , keys, ...rest]: string[]) => {
      if (command.toLowerCase() === 'evalsha') limits.push(rest[Number(keys)] ?? '');
    });

    const manager = openManager(server.url);
    await (await manager.acquire('k')).release();
    await eventually(() => expect(limits.length).toBeGreaterThan(0));

    monitor.disconnect();
    client.disconnect();
    expect(Number(limits[0])).toBeGreaterThan(1e15);
    expect(Number(limits[0])).toBeLessThan(Number.MAX_SAFE_INTEGER / 2);
  });
});
