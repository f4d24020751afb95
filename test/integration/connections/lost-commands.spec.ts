import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { sharedRedisPort, sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { timed } from '../../support/timed.js';

const TTL = 30_000;
/** How late a reply is that nobody may wait for. */
const LATE = 1500;

describe('a command whose reply is lost', () => {
  let keyPrefix: string;
  let redis: Redis;
  let proxy: TcpProxy;
  let behindProxy: LockManager;
  let direct: LockManager;
  const keys = async (): Promise<string[]> =>
    (await redis.keys(`${keyPrefix}*`)).map((key) => key.slice(keyPrefix.length));

  beforeEach(async () => {
    keyPrefix = uniquePrefix();
    redis = openClient(sharedRedisUrl());
    proxy = closing(await TcpProxy.start(sharedRedisPort()));
    behindProxy = openManager(proxy.url, { keyPrefix });
    direct = openManager(sharedRedisUrl(), { keyPrefix });
    for (const manager of [behindProxy, direct]) await manager.withLock('warm-up', () => {});
    await listening(redis, keyPrefix, 2);
  });

  it('is an acquire: the lock is held within 500 ms (A1)', async () => {
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });

    const taken = await timed(behindProxy.acquire('k', { ttl: TTL, wait: 10_000 }));

    await cut;
    expect(taken.error).toBeUndefined();
    expect(taken.ms).toBeLessThan(500 + NOISE_MS);
    expect(await direct.tryAcquire('k')).toBeNull();
    expect(await taken.value?.release()).toBe('released');
    expect(await keys()).toEqual(['!fence']);
  });

  it('is an acquire that has to wait: it has one place, and gets the lock', async () => {
    const holder = await direct.acquire('k');
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });
    const waiting = behindProxy.acquire('k');
    await cut;
    await eventually(async () => {
      expect((await direct.inspect('k'))?.waiters).toBe(1);
      expect(await redis.zcard(`${keyPrefix}!q:{${keyPrefix}k}`)).toBe(1);
    });

    await holder.release();

    expect(await (await waiting).release()).toBe('released');
    expect(await keys()).toEqual(['!fence']);
  });

  it('is a release: it is reported as one, and the next waiter gets the lock', async () => {
    const waits = behindProxy.acquire('k');
    const lock = await waits;
    const next = direct.acquire('k');
    await eventually(async () => expect((await direct.inspect('k'))?.waiters).toBe(1));
    const lost: unknown[] = [];
    behindProxy.events.on('lost', (event) => lost.push(event));
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });

    expect(await lock.release()).toBe('released');

    await cut;
    expect(await (await next).release()).toBe('released');
    expect(lost).toEqual([]);
  });

  it('is the release of a section: its result reaches the caller', async () => {
    const cut = { done: Promise.resolve() };

    const result = await behindProxy.withLock('k', () => {
      cut.done = proxy.cutOnNextReply({ containing: 'evalsha' });
      return 'result';
    });

    await cut.done;
    expect(result).toBe('result');
    await eventually(async () => expect(await keys()).toEqual(['!fence']));
  });

  it('is one that yields the lock to another process: the section was not lost', async () => {
    const manager = openManager(proxy.url, { keyPrefix, localHandoffs: 0 });
    const lost: unknown[] = [];
    manager.events.on('lost', (event) => lost.push(event));
    const first = await manager.acquire('k');
    const second = manager.acquire('k');
    const other = direct.acquire('k');
    await eventually(async () => expect((await direct.inspect('k'))?.waiters).toBe(2));
    // The push that somebody waits may be on its way still; the answer tells it as well.
    await first.extend();
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });

    const released = await first.release();

    await cut;
    expect(released).toBe('released');
    expect(lost).toEqual([]);
    await (await other).release();
    expect(await (await second).release()).toBe('released');
  });

  it('is a renewal: the lock is kept, and its signal stays silent (A16)', async () => {
    const renewals: number[] = [];
    behindProxy.events.on('renewed', () => renewals.push(performance.now()));
    await behindProxy.withLock(
      'k',
      async (lock) => {
        const cut = proxy.cutOnNextReply({ containing: 'evalsha' });
        await cut;
        const atCut = renewals.length;
        await eventually(() => expect(renewals.length).toBeGreaterThan(atCut));
        expect(lock.signal.aborted).toBe(false);
        lock.assertHeld();
      },
      { ttl: 3000 },
    );
    expect(await direct.tryAcquire('k')).not.toBeNull();
  });

  it('is a forced release: only the holder of that moment is ousted (I6)', async () => {
    // From here on Redis knows the script.
    expect(await behindProxy.forceRelease('k')).toBe(false);
    const holder = await direct.acquire('k');
    const waiting: Promise<Lock>[] = [];
    for (const label of ['second', 'third']) {
      waiting.push(openManager(sharedRedisUrl(), { keyPrefix }).acquire('k', { label }));
      await eventually(async () =>
        expect((await direct.inspect('k'))?.waiters).toBe(waiting.length),
      );
    }
    const cut = proxy.cutOnNextReply({ containing: 'evalsha' });

    expect(await behindProxy.forceRelease('k')).toBe(true);

    await cut;
    await eventually(() => expect(holder.signal.aborted).toBe(true));
    expect(await direct.inspect('k')).toMatchObject({
      waiters: 1,
      holders: [{ label: 'second' }],
    });
    await Promise.allSettled(waiting.map((lock) => releaseOf(lock)));
  });
});

describe('an answer that comes too late', () => {
  let keyPrefix: string;
  let redis: Redis;
  let proxy: TcpProxy;
  let slow: LockManager;
  let direct: LockManager;
  const isFree = async (): Promise<void> =>
    expect((await redis.keys(`${keyPrefix}*`)).map((key) => key.slice(keyPrefix.length))).toEqual([
      '!fence',
    ]);

  beforeEach(async () => {
    keyPrefix = uniquePrefix();
    redis = openClient(sharedRedisUrl());
    proxy = closing(await TcpProxy.start(sharedRedisPort()));
    slow = openManager(proxy.url, { keyPrefix, commandTimeout: 5000 });
    direct = openManager(sharedRedisUrl(), { keyPrefix });
    for (const manager of [slow, direct]) await manager.withLock('warm-up', () => {});
    await listening(redis, keyPrefix, 2);
  });

  it('gives no lock on a lease that is over (A3)', async () => {
    proxy.delayReplies(400);

    const late = await timed(() => slow.acquire('k', { ttl: 200, wait: 1500 }));

    expect(late.value).toBeUndefined();
    expect(late.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(late.ms).toBeGreaterThan(1450);
    expect(late.ms).toBeLessThan(1500 + NOISE_MS);
    await eventually(isFree);
  });

  it('is retried, and the lock is held once answers come in time (A3)', async () => {
    proxy.delayReplies(400);
    const taking = slow.acquire('k', { ttl: 200, wait: 30_000 });
    await eventually(async () => expect(await redis.exists(`${keyPrefix}k`)).toBe(1));
    await eventually(async () => expect(await redis.exists(`${keyPrefix}k`)).toBe(0));
    proxy.delayReplies(0);

    const lock = await taking;

    expect(lock.remainingMs).toBeGreaterThan(0);
    expect(await lock.release()).toBe('released');
    await eventually(isFree);
  });

  it('after the wait was over: the caller was told in time, the lock is given back (A6)', async () => {
    proxy.delayReplies(LATE);

    const late = await timed(slow.acquire('k', { ttl: TTL, wait: 200 }));

    expect(late.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(late.ms).toBeLessThan(200 + NOISE_MS);
    await eventually(isFree);
  });

  it('after an abort: the caller got its reason at once, the lock is given back (A6)', async () => {
    proxy.delayReplies(LATE);
    const controller = new AbortController();
    const reason = new Error('not needed any more');
    const aborted = timed(slow.acquire('k', { ttl: TTL, signal: controller.signal }));
    await eventually(async () => expect(await redis.exists(`${keyPrefix}k`)).toBe(1));

    const abortedAt = performance.now();
    controller.abort(reason);

    expect((await aborted).error).toBe(reason);
    expect(performance.now() - abortedAt).toBeLessThan(NOISE_MS);
    await eventually(isFree);
  });

  it('is a grant to one who has gone: the next waiter gets the lock (A6)', async () => {
    const holder = await direct.acquire('k');
    const controller = new AbortController();
    const gone = timed(slow.acquire('k', { signal: controller.signal }));
    await eventually(async () => expect((await direct.inspect('k'))?.waiters).toBe(1));
    const next = openManager(sharedRedisUrl(), { keyPrefix }).acquire('k');
    await eventually(async () => expect((await direct.inspect('k'))?.waiters).toBe(2));
    proxy.delayReplies(LATE);

    await holder.release();
    controller.abort();

    expect((await gone).error).toBe(controller.signal.reason);
    const entered = await timed(next);
    expect(entered.ms).toBeLessThan(NOISE_MS);
    await entered.value?.release();
    await eventually(isFree);
  });
});

/** Waits until so many processes have subscribed to their channels. */
async function listening(redis: Redis, keyPrefix: string, count: number): Promise<void> {
  await eventually(async () =>
    expect(await redis.pubsub('CHANNELS', `${keyPrefix}!g:*`)).toHaveLength(count),
  );
}

async function releaseOf(lock: Promise<Lock>): Promise<void> {
  await (await lock).release();
}
