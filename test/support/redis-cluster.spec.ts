import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';

import { slotOf } from '../../lib/redis/keys/hash-slot.js';
import { RedisCluster } from './redis-cluster.js';

describe('RedisCluster', () => {
  let cluster: RedisCluster;
  let client: Cluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    client = new Cluster(cluster.nodes, { redisOptions: { disconnectTimeout: 0 } });
  }, 60_000);

  afterAll(async () => {
    client.disconnect();
    await cluster.stop();
  });

  it('spreads the slots over three masters', async () => {
    const owners = await Promise.all([0, 8000, 16_383].map((slot) => cluster.ownerOf(slot)));

    expect(new Set(owners).size).toBe(3);
  });

  it('moves a slot with its keys', async () => {
    await client.set('k', 'v');
    const slot = slotOf('k');
    const from = await cluster.ownerOf(slot);
    const to = cluster.members.slice(0, 3).find((member) => member !== from)!;

    await cluster.migrateSlot(slot, to);

    expect(await to.client.get('k')).toBe('v');
    expect(await client.get('k')).toBe('v');
  });

  it('makes a replica the master', async () => {
    const old = await cluster.ownerOf(0);

    const replica = await cluster.failover(old);

    expect(await replica.client.info('replication')).toContain('role:master');
    await cluster.healthy();
  });
});
