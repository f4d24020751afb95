import { beforeEach, describe, expect, it } from '@jest/globals';

import { readReplicas } from '../../../lib/redis/servers/replicas.check.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { timed } from '../../support/timed.js';

const REPLICAS = { count: 1, timeout: 200 };

describe('locks that a replica must have', () => {
  let primary: RedisServer;
  let replica: RedisServer;

  beforeEach(async () => {
    primary = closing(await RedisServer.start({ args: ['--repl-diskless-sync-delay', '0'] }));
    const args = ['--replicaof', `127.0.0.1 ${primary.port}`];
    replica = closing(await RedisServer.start({ args }));
    const client = openClient(replica.url);
    await eventually(async () =>
      expect(await client.info('replication')).toContain('master_link_status:up'),
    );
  });

  it('are on it when they are taken, and when they are handed over', async () => {
    const [a, b] = [1, 2].map(() => openManager(primary.url, { replicas: REPLICAS }));
    const client = openClient(replica.url);

    const lock = await a!.acquire('k');
    const first = await client.get('lock:k');
    const waiting = b!.acquire('k');
    await eventually(async () => expect((await a!.inspect('k'))?.waiters).toBe(1));
    await lock.release();
    const next = await waiting;
    const second = await client.get('lock:k');

    expect(first).not.toBeNull();
    expect(second).not.toBeNull();
    expect(second).not.toBe(first);
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
  });

  it('are on it, under the token of their new holder, when they are attached', async () => {
    const [a, b] = [1, 2].map(() => openManager(primary.url, { replicas: REPLICAS }));
    const client = openClient(replica.url);

    const ticket = await (await a!.acquire('k')).detach();
    const first = await client.get('lock:k');
    const lock = await b!.attach(ticket);
    const second = await client.get('lock:k');

    expect(first).not.toBeNull();
    expect(second).not.toBeNull();
    expect(second).not.toBe(first);
    expect(await lock.release()).toBe('released');
  });

  it('are not given, and not kept, when no replica answers', async () => {
    const manager = openManager(primary.url, { replicas: REPLICAS });
    await manager.withLock('warm-up', () => {});
    replica.pause();

    const { ms, error } = await timed(manager.acquire('k', { wait: 700 }));

    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(String(error)).toContain('0 of 1 replicas');
    expect(ms).toBeLessThan(700 + NOISE_MS);
    const client = openClient(primary.url);
    await eventually(async () => expect(await client.get('lock:k')).toBeNull());
  });

  it('do not make a busy lock unavailable that is asked for in the same tick', async () => {
    const manager = openManager(primary.url, { replicas: REPLICAS });
    const other = openManager(primary.url);
    const lock = await other.acquire('busy');
    await manager.withLock('warm-up', () => {});
    replica.pause();

    const free = manager.tryAcquire('free');
    const busy = manager.tryAcquire('busy');

    await expect(free).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(await busy).toBeNull();
    await lock.release();
  });

  it('are renewed and released though no replica answers', async () => {
    const manager = openManager(primary.url, { replicas: REPLICAS });
    const lock = await manager.acquire('k', { ttl: 1800 });
    replica.pause();
    void manager.acquire('other', { wait: 3600 }).catch(() => undefined);

    await new Promise((resolve) => setTimeout(resolve, 4000));

    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
  });

  it('are asked for by a count and a timeout', () => {
    const problems: string[] = [];
    expect(readReplicas(undefined, 1000, problems)).toBeUndefined();
    expect(readReplicas({ count: 2 }, 1000, problems)).toEqual({ count: 2, timeout: 1000 });
    expect(readReplicas({ count: 1, timeout: '2s' }, 1000, problems)?.timeout).toBe(2000);
    // WAIT takes whole milliseconds, and an end.
    expect(readReplicas({ count: 1, timeout: 100.5 }, 1000, problems)?.timeout).toBe(101);
    expect(readReplicas({ count: 1 }, 10.5, problems)?.timeout).toBe(11);
    expect(problems).toEqual([]);
    const endless = { count: 1, timeout: Infinity };
    for (const wrong of [
      {},
      endless,
      { count: 0 },
      { count: 101 },
      { count: 1.5 },
      { count: 1, n: 1 },
      3,
    ])
      readReplicas(wrong, 1000, problems);
    expect(problems.length).toBeGreaterThanOrEqual(7);
    for (const problem of problems) expect(problem).toMatch(/^replicas: /);
  });
});
