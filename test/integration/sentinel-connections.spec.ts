import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { afterTest, closing } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient, openManager } from '../support/managers.js';
import { RedisSentinel } from '../support/redis-sentinel.js';
import type { RedisServer } from '../support/redis-server.js';
import { uniquePrefix } from '../support/shared-redis.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describe('a connection by way of Sentinel', () => {
  let group: RedisSentinel;
  /** Not the one that the test itself asks. */
  let hung: RedisServer;

  beforeAll(async () => {
    group = await RedisSentinel.start();
    hung = group.sentinels[2]!;
  }, 60_000);

  afterAll(() => group.stop());

  /** Resolves when somebody listens to this Sentinel. */
  const listened = (sentinel: RedisServer): Promise<void> =>
    eventually(async () => {
      expect(await group.admin(sentinel).client('LIST')).toContain(' sub=1 ');
    });

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
    // One for commands, one that listens.
    await eventually(() => expect(slow.holding).toBe(2));
    const observer = openClient(first!.url, { enableReadyCheck: false });
    await observer.subscribe('+switch-master');
    const told = once(observer, 'message');

    await group.failover();
    await told;
    await slow.pass();
    const lock = await acquiring;

    const primary = await group.primary();
    expect(await group.admin(primary).exists(`${keyPrefix}k`)).toBe(1);
    expect(await lock.release()).toBe('released');
    await group.settle();
  }, 120_000);

  it('is made when the Sentinels come back, though the options forbid to try again', async () => {
    const proxy = closing(await TcpProxy.start(group.sentinels[0]!.port));
    proxy.refuse();
    const options = {
      ...group.optionsVia([proxy]),
      updateSentinels: false,
      sentinelRetryStrategy: () => null,
    };
    const manager = openManager(options, { keyPrefix: uniquePrefix() });
    await expect(manager.acquire('k', { wait: 100 })).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });

    await proxy.pass();
    const lock = await manager.acquire('k', { wait: 10_000 });

    expect(await lock.release()).toBe('released');
  });
});
