import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { slotOf } from '../../../lib/redis/keys/hash-slot.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import type { ClusterMember } from '../../support/redis-cluster.js';
import { uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

const REPLICAS = { count: 1, timeout: 500 };

describe('locks that a replica must have, in a Cluster', () => {
  let cluster: RedisCluster;
  let keyPrefix: string;
  let a: LockManager;
  let b: LockManager;
  let replica: ClusterMember;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
  }, 60_000);

  afterAll(() => cluster.stop());

  const open = (): LockManager =>
    openManager({ cluster: cluster.nodes }, { keyPrefix, replicas: REPLICAS, wait: 30_000 });
  const owner = (key: string): Promise<ClusterMember> => cluster.ownerOf(slotOf(keyPrefix + key));

  beforeEach(async () => {
    await cluster.healthy();
    keyPrefix = uniquePrefix();
    [a, b] = [open(), open()];
    replica = await cluster.replicaOf(await owner('k'));
  });

  /** A client that reads what the replica has. */
  function reader(): Redis {
    return openClient(replica.server.url, { readOnly: true });
  }

  /** A key whose slot another node owns. */
  async function elsewhere(): Promise<string> {
    const ours = await owner('k');
    for (let n = 0; ; n += 1) if ((await owner(`x${n}`)) !== ours) return `x${n}`;
  }

  it('are on it when they are taken, and when they are handed over', async () => {
    const client = reader();
    const lock = await a.acquire('k');
    const first = await client.get(`${keyPrefix}k`);
    const waiting = b.acquire('k');
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await lock.release();
    const next = await waiting;
    const second = await client.get(`${keyPrefix}k`);

    expect(first).not.toBeNull();
    expect(second).not.toBeNull();
    expect(second).not.toBe(first);
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
  });

  it('are not given, and not kept, when no replica of their node answers; others are', async () => {
    const other = await elsewhere();
    const [{ client }] = [await owner('k')];
    await a.withLock('k', () => {});
    await a.withLock(other, () => {});
    replica.server.pause();

    const refused = timed(() => a.acquire('k', { wait: 1500 }));
    await (await a.acquire(other)).release();
    const { ms, error } = await refused;

    replica.server.resume();
    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(String(error)).toContain('0 of 1 replicas');
    expect(ms).toBeLessThan(1500 + NOISE_MS);
    await eventually(async () => expect(await client.get(`${keyPrefix}k`)).toBeNull());
    expect(await (await a.acquire('k')).release()).toBe('released');
  });

  it('are renewed and released though no replica answers', async () => {
    const lock = await a.acquire('k', { ttl: 1500 });
    replica.server.pause();
    const renewals: unknown[] = [];
    a.events.on('renewed', (event) => renewals.push(event));
    const refused = timed(b.acquire('k', { wait: 3000 }));

    await eventually(() => expect(renewals.length).toBeGreaterThan(3));

    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
    expect((await refused).error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    replica.server.resume();
  });

  it('outlive the master that dies as soon as they are given', async () => {
    const victim = await owner('k');
    const lock = await a.acquire('k', { ttl: 60_000 });
    await victim.server.kill();
    await eventually(
      async () => expect(await replica.client.info('replication')).toContain('role:master'),
      { within: 30_000 },
    );

    await eventually(() => lock.extend(), { within: 30_000 });
    const plain = openManager({ cluster: cluster.nodes }, { keyPrefix });
    await eventually(async () => expect(await plain.tryAcquire('k')).toBeNull());

    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
    await victim.server.restart();
    await cluster.healthy();
    await (await a.acquire('k')).release();
  }, 120_000);
});
