import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { hostname } from 'node:os';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { LockInfo } from '../../../lib/engine/api/lock.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

let keyPrefix: string;
let redis: Redis;
let a: LockManager;
let b: LockManager;

beforeEach(async () => {
  keyPrefix = uniquePrefix();
  redis = openClient(sharedRedisUrl());
  [a, b] = [0, 1].map(() => openManager(sharedRedisUrl(), { keyPrefix })) as [
    LockManager,
    LockManager,
  ];
  for (const manager of [a, b]) await manager.withLock('warm-up', () => {});
});

describe('inspect', () => {
  it('answers null when nobody holds the lock', async () => {
    expect(await a.inspect('k')).toBeNull();
    await a.withLock('k', () => {});
    expect(await a.inspect('k')).toBeNull();
  });

  it('tells who holds it, in words, and how long its lease is', async () => {
    await a.acquire('k', { ttl: 5000, label: 'Stock.sell: “42” #1' });

    for (const manager of [a, b]) {
      const info = await manager.inspect('k');
      expect(info).toMatchObject({
        key: 'k',
        mode: 'exclusive',
        permits: 1,
        waiters: 0,
        holders: [{ label: 'Stock.sell: “42” #1', host: hostname(), pid: process.pid }],
      });
      expect(info!.holders[0]!.ttlMs).toBeGreaterThan(4000);
      expect(info!.holders[0]!.ttlMs).toBeLessThanOrEqual(5000);
    }
  });

  it('tells the label of the caller that has it, after local hand-overs too', async () => {
    const first = await a.acquire('k', { label: 'first' });
    const second = a.acquire('k', { label: 'second' });
    await first.release();
    await second;

    expect((await a.inspect('k'))?.holders).toMatchObject([{ label: 'second' }]);
  });

  it('counts waiting callers, those of this process at this moment', async () => {
    await a.acquire('k');
    const waits = [a, a, a, b, b].map((manager) => timed(manager.acquire('k', { wait: 2000 })));

    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBeGreaterThanOrEqual(4));

    expect((await a.inspect('k'))!.waiters).toBeLessThanOrEqual(5);
    await Promise.all(waits);
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(0));
  });

  it('shows a label of any length and any characters', async () => {
    await a.acquire('k', { label: `${'é.~ \n"%'.repeat(40)}\ud800` });

    const [holder] = (await b.inspect('k'))!.holders;

    expect(holder!.label.startsWith('é.~ \n"%é.~')).toBe(true);
    expect(holder!.label.length).toBeLessThanOrEqual(100);
    expect(holder!.pid).toBe(process.pid);
  });

  it('rejects a key that is none', async () => {
    await expect(a.inspect('')).rejects.toMatchObject({ code: 'LOCK_KEY' });
    await expect(a.inspect('!fence')).rejects.toMatchObject({ code: 'LOCK_KEY' });
  });
});

describe('list', () => {
  const listed = async (match?: string): Promise<LockInfo[]> => {
    const infos: LockInfo[] = [];
    for await (const info of b.list(match === undefined ? {} : { match })) infos.push(info);
    return infos.sort((one, other) => one.key.localeCompare(other.key));
  };

  it('yields every lock once, with holders and waiters, and nothing of the rest', async () => {
    await a.acquire('order:1', { label: 'one' });
    await a.acquire('order:2');
    await b.acquire('stock:1');
    await redis.set(`${keyPrefix}foreign`, 'x', 'PX', 5000);
    await redis.set(`other-${keyPrefix}k`, 'x', 'PX', 5000);
    const waiting = timed(b.acquire('order:1', { wait: 2000 }));
    await eventually(async () => expect((await a.inspect('order:1'))?.waiters).toBe(1));

    const infos = await listed();

    expect(infos.map(({ key }) => key)).toEqual(['foreign', 'order:1', 'order:2', 'stock:1']);
    expect(infos[1]).toMatchObject({ waiters: 1, holders: [{ label: 'one' }] });
    expect((await listed('order:*')).map(({ key }) => key)).toEqual(['order:1', 'order:2']);
    expect(await listed('nothing')).toEqual([]);
    await waiting;
  });

  it('leaves out what another application keeps beside its locks, whose prefix begins with ours', async () => {
    const other = openManager(sharedRedisUrl(), { keyPrefix: `${keyPrefix}x:` });
    await other.acquire('k');
    await other.acquire('readers', { mode: 'shared' });
    const waiting = timed(other.acquire('k', { wait: 2000 }));
    await eventually(async () => expect((await other.inspect('k'))?.waiters).toBe(1));
    await redis.set(`${keyPrefix}no!fence`, 'x', 'PX', 5000);
    const own = await a.acquire('own!fence');

    expect((await listed()).map(({ key }) => key)).toEqual(['no!fence', 'own!fence', 'x:k']);
    await expect(a.inspect('x:!fence')).rejects.toMatchObject({
      code: 'LOCK_CONFIG',
      message: expect.stringContaining('"x:!fence" that is no lock'),
    });
    await expect(a.forceRelease('x:!fence')).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
    await own.release();
    await waiting;
  });

  it('yields a thousand locks once each', async () => {
    await Promise.all(Array.from({ length: 1000 }, (_, i) => a.acquire(`many:${i}`)));

    const keys = (await listed('many:*')).map(({ key }) => key);

    expect(new Set(keys).size).toBe(1000);
    expect(keys).toHaveLength(1000);
  });

  it('can be left before its end', async () => {
    await a.acquire('x');
    await a.acquire('y');

    for await (const { key } of a.list()) {
      expect(['x', 'y']).toContain(key);
      break;
    }
  });
});

describe('forceRelease', () => {
  it('takes the lock from its holder, whose signal aborts at once by push', async () => {
    const lock = await a.acquire('k', { ttl: 30_000 });

    expect(await b.forceRelease('k')).toBe(true);

    await eventually(() => expect(lock.signal.aborted).toBe(true), { within: NOISE_MS });
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    expect(String(lock.signal.reason)).toContain('operator');
    expect(await lock.release()).toBe('lost');
    expect(await b.tryAcquire('k')).not.toBeNull();
  });

  it('hands over to the next waiter, of another process', async () => {
    const lock = await a.acquire('k');
    const waiting = b.acquire('k');
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));

    expect(await a.forceRelease('k')).toBe(true);

    const next = await waiting;
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    next.assertHeld();
    await next.release();
  });

  it('hands over to the next waiter, of the same process', async () => {
    const lock = await a.acquire('k');
    const waiting = a.acquire('k');

    expect(await a.forceRelease('k')).toBe(true);

    const next = await waiting;
    expect(lock.signal.aborted).toBe(true);
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    next.assertHeld();
    expect(await next.release()).toBe('released');
  });

  it('makes a section that ran on reject as lost', async () => {
    const section = a.withLock('k', async (lock) => {
      await b.forceRelease('k');
      await eventually(() => expect(lock.signal.aborted).toBe(true));
      return 7;
    });

    await expect(section).rejects.toMatchObject({ code: 'LOCK_LOST', result: 7 });
  });

  it('without a push is noticed at the next renewal', async () => {
    const lock = await a.acquire('k', { ttl: 600 });
    const [holder] = await redis.getset(`${keyPrefix}k`, 'x').then((token) => [token]);
    await redis.del(`${keyPrefix}k`);

    await eventually(() => expect(lock.signal.aborted).toBe(true), { within: 600 + NOISE_MS });

    expect(holder).not.toBeNull();
  });

  it('answers false for a lock that nobody holds, and for a foreign one', async () => {
    await redis.set(`${keyPrefix}foreign`, 'x', 'PX', 5000);

    expect(await a.forceRelease('k')).toBe(false);
    expect(await a.forceRelease('foreign')).toBe(false);
    await redis.set(`${keyPrefix}foreign`, '~x', 'PX', 5000);
    expect(await a.forceRelease('foreign')).toBe(false);
  });
});
