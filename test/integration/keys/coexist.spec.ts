import { describe, expect, it } from '@jest/globals';
import { Cluster, type Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { resolveModuleOptions } from '../../../lib/nest/service/options.check.js';
import type { RedisLockConnection } from '../../../lib/redis/connection/connection.js';
import { afterTest, closing } from '../../support/after-test.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { RedisServer } from '../../support/redis-server.js';

const SECTION_MS = 4;
const RUN_MS = 3000;

/** What happened on one key: who had it how often, who gave up, and how often two had it at once. */
class Record {
  readonly served = new Map<string, number>();
  readonly gaveUp: string[] = [];
  overlaps = 0;
  readonly #until = performance.now() + RUN_MS;
  #inside = 0;

  get isOver(): boolean {
    return performance.now() > this.#until;
  }

  join(name: string): void {
    this.served.set(name, 0);
  }

  async section(name: string): Promise<void> {
    this.#inside += 1;
    if (this.#inside > 1) this.overlaps += 1;
    await sleep(SECTION_MS);
    this.#inside -= 1;
    this.served.set(name, (this.served.get(name) ?? 0) + 1);
  }
}

/** A user of a library that asks every 100 ms, again and again, each time for 2 s at most. */
async function poller(name: string, redis: Redis | Cluster, record: Record): Promise<void> {
  record.join(name);
  let since = performance.now();
  while (!record.isOver) {
    if ((await redis.set('lock:k', name, 'PX', 5000, 'NX')) === 'OK') {
      await record.section(name);
      await redis.del('lock:k');
      since = performance.now();
    } else if (performance.now() - since > 2000) {
      record.gaveUp.push(name);
      since = performance.now();
    }
    await sleep(100);
  }
}

async function caller(name: string, manager: LockManager, record: Record): Promise<void> {
  record.join(name);
  while (!record.isOver) await manager.withLock('k', () => record.section(name), { ttl: 5000 });
}

/** Three pollers of another library beside two processes of ours with four callers each. */
async function migrate(connection: RedisLockConnection, theirs: Redis | Cluster): Promise<Record> {
  const managers = [0, 1].map(() => openManager(connection, { coexist: true }));
  await Promise.all(managers.map((manager) => manager.withLock('warm-up', () => {})));
  const record = new Record();
  await Promise.all([
    ...managers.flatMap((manager, i) =>
      [0, 1, 2, 3].map((n) => caller(`ours ${i}.${n}`, manager, record)),
    ),
    ...[0, 1, 2].map((n) => poller(`theirs ${n}`, theirs, record)),
  ]);
  return record;
}

function expectAllServed({ served, gaveUp, overlaps }: Record): void {
  expect(overlaps).toBe(0);
  expect([...served].filter(([, times]) => times === 0)).toEqual([]);
  expect(served.size).toBe(11);
  expect(gaveUp).toEqual([]);
}

describe('coexist, another library uses the same key', () => {
  it('serves its pollers and the callers of all our processes, one at a time', async () => {
    const server = closing(await RedisServer.start());

    expectAllServed(await migrate(server.url, openClient(server.url)));
  });

  it('does so in a Cluster', async () => {
    const cluster = closing(await RedisCluster.start());

    await cluster.healthy();
    const theirs = new Cluster(cluster.nodes);
    afterTest(() => theirs.disconnect());

    expectAllServed(await migrate({ cluster: cluster.nodes }, theirs));
  });

  it('gives a free lock that nobody waits for at any time', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url, { coexist: true });
    const until = performance.now() + 700;
    let refused = 0;
    while (performance.now() < until) {
      const lock = await manager.tryAcquire('k');
      if (lock === null) refused += 1;
      await lock?.release();
      await sleep(5);
    }

    expect(refused).toBe(0);
  });

  it('hands over one semaphore permit after another', async () => {
    const server = closing(await RedisServer.start());
    const managers = [0, 1].map(() => openManager(server.url, { coexist: true }));
    let inside = 0;
    let most = 0;
    const task = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(20);
      inside -= 1;
    };
    await Promise.all(
      managers.flatMap((manager) =>
        Array.from({ length: 30 }, () => manager.withLock('k', task, { permits: 2 })),
      ),
    );

    expect(most).toBe(2);
  });
});

describe('the option coexist', () => {
  it('is off by default, and accepted for every store but a quorum', () => {
    const { settings } = resolveModuleOptions({ connection: 'memory' });
    expect(settings.coexist).toBe(false);
    for (const connection of ['memory', 'redis://one', ['redis://one']] as const)
      expect(resolveModuleOptions({ connection, coexist: true }).settings.coexist).toBe(true);

    const connection = ['redis://one', 'redis://two', 'redis://three'];
    expect(() => resolveModuleOptions({ connection, coexist: true })).toThrow(
      'coexist is not available on a quorum of independent servers.',
    );
    expect(() => resolveModuleOptions({ connection, coexist: false })).not.toThrow();
    expect(() => resolveModuleOptions({ connection: 'memory', coexist: 1 as never })).toThrow(
      'coexist must be true or false, got 1.',
    );
  });
});
