import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { SHARED } from '../../../lib/engine/api/capacity.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { MARKER } from '../../../lib/redis/scripts/define-script.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisServer } from '../../support/redis-server.js';
import { timed } from '../../support/timed.js';

const REPLICAS = { count: 1, timeout: 300 };

describe('kinds of lock that a replica must have', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let copy: Redis;
  let a: LockManager;
  let b: LockManager;

  beforeEach(async () => {
    primary = closing(await RedisServer.start({ args: ['--repl-diskless-sync-delay', '0'] }));
    const args = ['--replicaof', `127.0.0.1 ${primary.port}`];
    replica = closing(await RedisServer.start({ args }));
    copy = openClient(replica.url);
    await eventually(async () =>
      expect(await copy.info('replication')).toContain('master_link_status:up'),
    );
    [a, b] = [1, 2].map(() => openManager(primary.url, { replicas: REPLICAS })) as [
      LockManager,
      LockManager,
    ];
  });

  it('a shared lock is there with each of its holders, and with the writer after them', async () => {
    const readers = [await a.acquire('k', { mode: 'shared' })];
    expect(await copy.get('lock:k')).toBe(`${MARKER}${SHARED}`);
    expect(await copy.zcard('lock:!h:{lock:k}')).toBe(1);
    readers.push(await b.acquire('k', { mode: 'shared' }));
    expect(await copy.zcard('lock:!h:{lock:k}')).toBe(2);
    const writing = b.acquire('k');
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    for (const reader of readers) await reader.release();

    const writer = await writing;

    expect(await copy.get('lock:k')).toMatch(/^[\w-]{16}\./);
    await writer.release();
  });

  it('a semaphore is there with each permit, handed on or not', async () => {
    const permits = [await a.acquire('k', { permits: 2 }), await b.acquire('k', { permits: 2 })];
    const before = await copy.zrange('lock:!h:{lock:k}', 0, '-1');
    const next = b.acquire('k', { permits: 2 });
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await permits[0]!.release();

    const last = await next;

    const after = await copy.zrange('lock:!h:{lock:k}', 0, '-1');
    expect([before.length, after.length]).toEqual([2, 2]);
    expect(after).not.toEqual(before);
    for (const lock of [permits[1]!, last]) await lock.release();
  });

  it('several keys are there, all of them, taken in one step or one after another', async () => {
    const lock = await a.acquire(['k', 'l']);
    expect(await copy.exists('lock:k', 'lock:l')).toBe(2);
    const waiting = b.acquire(['j', 'k', 'l']);
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await lock.release();

    const next = await waiting;

    expect(await copy.exists('lock:j', 'lock:k', 'lock:l')).toBe(3);
    await next.release();
  });

  it.each([
    ['a shared lock', 'k', { mode: 'shared' }],
    ['a semaphore', 'k', { permits: 2 }],
    ['several keys', ['k', 'l'], {}],
  ] as const)('%s is not given, and not kept, when no replica answers', async (_, key, kind) => {
    await a.withLock('warm-up', () => {});
    replica.pause();

    const { error } = await timed(a.acquire(key, { ...kind, wait: 800 }));

    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE', keys: [key].flat() });
    const client = openClient(primary.url);
    await eventually(async () => expect(await client.keys('*')).toEqual(['lock:!fence']));
  });
});
