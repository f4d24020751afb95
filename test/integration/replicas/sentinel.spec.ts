import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { eventually } from '../../support/eventually.js';
import { openManager } from '../../support/managers.js';
import { RedisSentinel } from '../../support/redis-sentinel.js';
import type { RedisServer } from '../../support/redis-server.js';
import { uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

const BOTH = { count: 2, timeout: 1000 };

describe('locks that replicas must have, with Sentinel', () => {
  let group: RedisSentinel;
  let keyPrefix: string;
  let a: LockManager;
  let b: LockManager;

  beforeAll(async () => {
    group = await RedisSentinel.start();
  }, 60_000);

  afterAll(() => group.stop());

  beforeEach(() => {
    keyPrefix = uniquePrefix();
    const options = { keyPrefix, replicas: BOTH, wait: 30_000 };
    [a, b] = [openManager(group.options, options), openManager(group.options, options)];
  });

  async function replicas(): Promise<readonly RedisServer[]> {
    const primary = await group.primary();
    return group.servers.filter((server) => server !== primary);
  }

  const stored = async (key: string): Promise<(string | null)[]> =>
    Promise.all((await replicas()).map((server) => group.admin(server).get(`${keyPrefix}${key}`)));

  it('are on all of them when they are taken, and when they are handed over', async () => {
    const lock = await a.acquire('k');
    const first = await stored('k');
    const waiting = b.acquire('k');
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await lock.release();
    const next = await waiting;
    const second = await stored('k');

    expect(first).toEqual([expect.any(String), first[0]]);
    expect(second).toEqual([expect.any(String), second[0]]);
    expect(second[0]).not.toBe(first[0]);
    await next.release();
  });

  it('are not given, and not kept, while one replica is missing', async () => {
    await a.withLock('warm-up', () => {});
    const [silent] = await replicas();
    silent!.pause();

    const { error } = await timed(a.acquire('k', { wait: 2500 }));

    silent!.resume();
    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(String(error)).toContain('1 of 2 replicas');
    const primary = group.admin(await group.primary());
    await eventually(async () => expect(await primary.get(`${keyPrefix}k`)).toBeNull());
    await group.healthy();
    expect(await (await a.acquire('k')).release()).toBe('released');
  });

  it('outlive the primary that dies as soon as they are given', async () => {
    const primary = await group.primary();
    const lock = await a.acquire('k', { ttl: 60_000 });
    await primary.kill();
    await group.failedOver(primary);

    await eventually(() => lock.extend(), { within: 30_000 });
    // One replica is left, and these locks need two.
    const other = openManager(group.options, { keyPrefix });
    await eventually(async () => expect(await other.tryAcquire('k')).toBeNull());

    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
    await primary.restart();
    await group.settle();
  }, 120_000);

  it('are given soon after a planned failover: grants leave the old primary as well', async () => {
    const options = { keyPrefix, replicas: { count: 1, timeout: 1000 } };
    const managers = [openManager(group.options, options), openManager(group.options, options)];
    for (const manager of managers) await manager.withLock('warm-up', () => {});

    const old = group.admin(await group.primary());

    await group.failover();
    await eventually(async () =>
      expect(await old.info('replication')).toContain('connected_slaves:0'),
    );

    // Sentinel demotes the old primary after some ten seconds; until then it has no replica.
    for (const manager of managers) {
      const lock = await manager.acquire('k', { wait: 5000 });
      expect(await group.admin(await group.primary()).get(`${keyPrefix}k`)).not.toBeNull();
      await lock.release();
    }
    await group.settle();
  }, 120_000);
});
