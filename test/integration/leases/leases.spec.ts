import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';

import { LockLostError } from '../../../lib/engine/api/errors.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { freeze } from '../../support/freeze.js';
import { Gate } from '../../support/gate.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS, countdown } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

let keyPrefix: string;
let redis: Redis;
let a: LockManager;
let b: LockManager;

beforeEach(async () => {
  keyPrefix = uniquePrefix();
  redis = openClient(sharedRedisUrl());
  a = openManager(sharedRedisUrl(), { keyPrefix });
  b = openManager(sharedRedisUrl(), { keyPrefix });
  for (const manager of [a, b]) await manager.withLock('warm-up', () => {});
});

const pttl = (): Promise<number> => redis.pttl(`${keyPrefix}k`);

/** Resolves with the moment at which the lock's signal aborted. */
function aborted({ signal }: Lock): Promise<number> {
  return new Promise((resolve) => {
    const told = (): void => resolve(performance.now());
    if (signal.aborted) told();
    else signal.addEventListener('abort', told, { once: true });
  });
}

describe('the local deadline', () => {
  it('aborts the signal before the lease can have ended, though no renewal was answered (A2)', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url);
    await manager.withLock('warm-up', () => {});
    const lease = countdown(4000);
    const lock = await manager.acquire('k', { ttl: 4000 });
    const lost: unknown[] = [];
    manager.events.on('lost', (event) => lost.push(event));
    const leaseWasOver = aborted(lock).then(lease.isOver);
    await freeze(server.port, 9000);

    expect(await leaseWasOver).toBe(false);
    expect(lock.signal.reason).toBeInstanceOf(LockLostError);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST', keys: ['k'] });
    expect(lock.remainingMs).toBe(0);
    expect(() => lock.assertHeld()).toThrow(lock.signal.reason);
    expect(lost).toMatchObject([{ key: 'k', error: lock.signal.reason }]);
    expect(await lock.release()).toBe('lost');
  });

  it('survives a server that is silent for less than the lease (A16)', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url, { commandTimeout: 300 });
    const lock = await manager.acquire('k', { ttl: 3000 });
    await freeze(server.port, 1500);

    await sleep(3200);

    expect(lock.signal.aborted).toBe(false);
    lock.assertHeld();
    expect(await lock.release()).toBe('released');
  });

  it('shows in remainingMs, which falls between renewals', async () => {
    const lock = await a.acquire('k', { ttl: 5000, renew: false });
    const first = lock.remainingMs;
    expect(first).toBeGreaterThan(4000);
    expect(first).toBeLessThan(5000);
    await eventually(() => expect(lock.remainingMs).toBeLessThan(first - 20));
    await lock.release();
    expect(lock.remainingMs).toBe(0);
    expect(() => lock.assertHeld()).toThrow(LockLostError);
  });

  it('does not concern a lock that was released: its signal stays silent (A17)', async () => {
    const lock = await a.acquire('k', { ttl: 200 });
    const { signal } = lock;
    await lock.release();
    await b.acquire('k');
    expect(await a.forceRelease('k')).toBe(true);
    await sleep(300);

    expect(signal.aborted).toBe(false);
  });
});

describe('renewal', () => {
  it.each([1000, 1500])(
    'comes 3 to 12 times in three leases of %i ms, evenly (A15)',
    async (ttl) => {
      const renewals: number[] = [];
      a.events.on('renewed', () => renewals.push(performance.now()));
      let lowest = Infinity;
      await a.withLock(
        'k',
        async () => {
          const endsAt = performance.now() + 3 * ttl;
          while (performance.now() < endsAt) {
            lowest = Math.min(lowest, await pttl());
            await sleep(5);
          }
        },
        { ttl },
      );

      expect(renewals.length).toBeGreaterThanOrEqual(3);
      expect(renewals.length).toBeLessThanOrEqual(12);
      for (const [i, at] of renewals.slice(1).entries())
        expect(at - renewals[i]!).toBeGreaterThan(ttl / 8);
      expect(lowest).toBeGreaterThan(ttl / 3);
    },
  );

  it('does not happen with renew: false, and the lock is lost in time', async () => {
    const lease = countdown(400);
    const lock = await a.acquire('k', { ttl: 400, renew: false });

    expect(await aborted(lock).then(lease.isOver)).toBe(false);

    await eventually(async () => expect(await pttl()).toBe(-2));
  });

  it('happens once before a waiter with renew: false enters, to its whole lease', async () => {
    const first = await a.acquire('k');
    const second = b.acquire('k', { ttl: 5000, renew: false });
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await first.release();

    const lock = await second;

    expect(lock.remainingMs).toBeGreaterThan(3000);
    expect(await pttl()).toBeGreaterThan(3000);
  });

  it('happens once before a waiter of the same process with renew: false enters', async () => {
    const first = await a.acquire('k', { ttl: 1000 });
    const second = a.acquire('k', { ttl: 5000, renew: false });
    await first.release();

    expect((await second).remainingMs).toBeGreaterThan(3000);
  });

  it('brings a waiter with a longer lease to it', async () => {
    const first = await a.acquire('k', { ttl: 1000 });
    const second = a.acquire('k', { ttl: 20_000 });
    await first.release();
    const lock = await second;

    await eventually(async () => {
      expect(await pttl()).toBeGreaterThan(15_000);
      expect(lock.remainingMs).toBeGreaterThan(15_000);
    });
  });

  it('stops with the lock: one that is released is renewed no more', async () => {
    const renewals: unknown[] = [];
    a.events.on('renewed', (event) => renewals.push(event));
    const lock = await a.acquire('k', { ttl: 600 });
    await eventually(() => expect(renewals).not.toHaveLength(0));
    await lock.release();
    const count = renewals.length;
    await b.withLock('k', () => sleep(300));

    expect(renewals).toHaveLength(count);
  });
});

describe('a waiter', () => {
  it('enters with a full lease, however long it has waited, and its work is exclusive (A4)', async () => {
    const first = await a.acquire('k', { ttl: 2000 });
    const waiting = b.acquire('k', { ttl: 2000 });
    await sleep(2300);
    await first.release();

    const lock = await waiting;

    expect(lock.remainingMs).toBeGreaterThanOrEqual(1200);
    const endsAt = performance.now() + 3000;
    while (performance.now() < endsAt) {
      expect(await a.tryAcquire('k')).toBeNull();
      await sleep(50);
    }
    lock.assertHeld();
    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
  });
});

describe('extend', () => {
  it('renews the lease to what is asked for, here and in Redis', async () => {
    const lock = await a.acquire('k', { ttl: 1000 });

    await lock.extend('20s');

    expect(lock.remainingMs).toBeGreaterThan(15_000);
    expect(await pttl()).toBeGreaterThan(15_000);
    expect(await lock.release()).toBe('released');
  });

  it('renews to the lock’s own ttl by default, with renew: false too', async () => {
    const lock = await a.acquire('k', { ttl: 3000, renew: false });
    await eventually(async () => expect(await pttl()).toBeLessThan(1800));

    await lock.extend();

    expect(await pttl()).toBeGreaterThan(2000);
    expect(lock.remainingMs).toBeGreaterThan(2000);
    const abortedAt = await aborted(lock);
    expect(abortedAt).toBeGreaterThan(0);
  });

  it('never shortens the lease', async () => {
    const lock = await a.acquire('k', { ttl: 20_000 });

    await lock.extend(500);

    expect(await pttl()).toBeGreaterThan(15_000);
    expect(lock.remainingMs).toBeGreaterThan(15_000);
  });

  it('rejects when the lock was lost or released, and changes nothing', async () => {
    const lost = await a.acquire('k');
    await redis.del(`${keyPrefix}k`);
    await expect(lost.extend()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(lost.signal.aborted).toBe(true);
    const other = await b.acquire('k', { ttl: 5000 });
    await expect(lost.extend()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await other.release();
    await expect(other.extend()).rejects.toMatchObject({ code: 'LOCK_LOST' });

    expect(await redis.exists(`${keyPrefix}k`)).toBe(0);
  });

  it('rejects when Redis does not answer, and the lease is what it was', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url, { commandTimeout: 100 });
    const lock = await manager.acquire('k', { ttl: 5000 });
    const before = lock.remainingMs;
    server.pause();

    await expect(lock.extend('60s')).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });

    expect(lock.remainingMs).toBeLessThan(before);
    expect(lock.signal.aborted).toBe(false);
    server.resume();
  });

  it.each(['1x', 50, Infinity, -1])('refuses %p as a configuration fault', async (ttl) => {
    const lock = await a.acquire('k');

    await expect(lock.extend(ttl as number)).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
  });
});

describe('a lock that is lost', () => {
  it('by DEL from outside is noticed at the next renewal, and the new holder is left alone', async () => {
    const lock = await a.acquire('k', { ttl: 300 });
    await redis.del(`${keyPrefix}k`);
    const other = await b.acquire('k');

    await aborted(lock);

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    expect(await lock.release()).toBe('lost');
    expect(await a.tryAcquire('k')).toBeNull();
    expect(await other.release()).toBe('released');
  });

  it('with a restart that kept nothing is told without renewal, long before its lease ends', async () => {
    const server = closing(await RedisServer.start());
    const holder = openManager(server.url);
    const lock = await holder.acquire('k', { ttl: '10m', renew: false });

    await server.restart();
    await aborted(lock);

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    await (await openManager(server.url).acquire('k')).release();
  });

  it('is found by a caller with one try of the same process, long before the next renewal', async () => {
    const lock = await a.acquire('k', { ttl: '10m' });
    await redis.del(`${keyPrefix}k`);

    const next = await eventually(async () => {
      const tried = await a.tryAcquire('k');
      if (tried === null) throw new Error('It is busy.');
      return tried;
    });

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    await next.release();
  });

  it('and released before that answers "lost", emits it and never throws', async () => {
    const lost: unknown[] = [];
    a.events.on('lost', (event) => lost.push(event));
    const lock = await a.acquire('k', { label: 'job' });
    await redis.del(`${keyPrefix}k`);

    expect(await lock.release()).toBe('lost');

    expect(await lock.release()).toBe('lost');
    expect(lost).toMatchObject([{ key: 'k', label: 'job', error: { code: 'LOCK_LOST' } }]);
  });

  it('rejects withLock with the result of its task in the error', async () => {
    const failed = a.withLock('k', async () => {
      await redis.del(`${keyPrefix}k`);
      return 'done';
    });

    await expect(failed).rejects.toMatchObject({
      code: 'LOCK_LOST',
      keys: ['k'],
      result: 'done',
    });
  });

  it('with onLost: "report" returns the result and emits "lost"', async () => {
    const lost: unknown[] = [];
    a.events.on('lost', (event) => lost.push(event));

    const result = await a.withLock(
      'k',
      async (lock) => {
        await redis.del(`${keyPrefix}k`);
        await aborted(lock);
        return 'done';
      },
      { ttl: 200, onLost: 'report' },
    );

    expect(result).toBe('done');
    expect(lost).toHaveLength(1);
  });

  it('leaves the task’s own error as it is', async () => {
    const own = new Error('no stock');

    const { error } = await timed(
      a.withLock('k', async () => {
        await redis.del(`${keyPrefix}k`);
        throw own;
      }),
    );

    expect(error).toBe(own);
  });

  it('lets the next caller of the same process have it, once it is free', async () => {
    const lock = await a.acquire('k', { ttl: 300 });
    const next = a.acquire('k', { ttl: 300 });
    await redis.set(`${keyPrefix}k`, 'foreign', 'PX', 500);
    await aborted(lock);

    const entered = await next;

    expect(await redis.get(`${keyPrefix}k`)).not.toBe('foreign');
    expect(entered.fencingToken).toBeGreaterThan(lock.fencingToken);
    await entered.release();
  });
});

describe('a release', () => {
  it('asks Redis once, however often it is called', async () => {
    const lock = await a.acquire('k');

    const both = [lock.release(), lock.release()];

    expect(await Promise.all(both)).toEqual(['released', 'released']);
    const other = await b.acquire('k');
    expect(await lock.release()).toBe('released');
    await lock[Symbol.asyncDispose]();
    other.assertHeld();
    expect(await a.tryAcquire('k')).toBeNull();
  });

  it('that Redis does not answer is an event, and the section’s result stands', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url, { commandTimeout: 200 });
    const failed: unknown[] = [];
    manager.events.on('release-failed', (event) => failed.push(event));

    const result = await timed(
      manager.withLock('k', () => {
        server.pause();
        return 'done';
      }),
    );

    expect(result).toMatchObject({ value: 'done' });
    expect(result.ms).toBeLessThan(200 + NOISE_MS);
    expect(failed).toMatchObject([{ key: 'k', error: { code: 'LOCK_UNAVAILABLE' } }]);
    server.resume();
    const client = openClient(server.url);
    await eventually(async () => expect(await client.exists('lock:k')).toBe(0));
  });

  it('by await using never throws', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url, { commandTimeout: 100 });
    const lock = await manager.acquire('k');
    await server.kill();

    await lock[Symbol.asyncDispose]();
    await expect(lock.release()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });
});

describe('minHold', () => {
  it('keeps the lock locked for the rest of it, for everybody, then serves who waits', async () => {
    const calledAt = performance.now();
    const lock = await a.acquire('k', { minHold: 1000 });
    const waiting = b.acquire('k');
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    expect(await lock.release()).toBe('released');

    expect(await a.tryAcquire('k')).toBeNull();
    expect(await a.inspect('k')).toMatchObject({ holders: [], waiters: 1 });
    const next = await waiting;

    expect(performance.now() - calledAt).toBeGreaterThan(995);
    expect(performance.now() - calledAt).toBeLessThan(1000 + NOISE_MS);
    await next.release();
  });

  it('that is over when the section ends changes nothing', async () => {
    await a.withLock('k', () => sleep(60), { minHold: 50 });

    expect(await b.inspect('k')).toBeNull();
  });

  it('is ended by a forced release', async () => {
    await (await a.acquire('k', { minHold: 30_000 })).release();

    expect(await b.forceRelease('k')).toBe(true);

    expect(await b.tryAcquire('k')).not.toBeNull();
  });

  it('holds for callers of the same process too', async () => {
    const calledAt = performance.now();
    await a.withLock('k', () => {}, { minHold: 300 });
    await a.withLock('k', () => {});

    expect(performance.now() - calledAt).toBeGreaterThan(295);
  });
});

describe('maxHold', () => {
  it('ends the hold: the lock counts as lost and is released', async () => {
    const waiting = new Gate<Lock>();
    const calledAt = performance.now();

    const failed = timed(
      a.withLock(
        'k',
        async (lock) => {
          void b.acquire('k').then(waiting.open);
          await aborted(lock);
          return 'too late';
        },
        { maxHold: 300 },
      ),
    );
    const next = await waiting.passed;

    expect(performance.now() - calledAt).toBeGreaterThan(295);
    expect(performance.now() - calledAt).toBeLessThan(300 + NOISE_MS);
    expect((await failed).error).toMatchObject({ code: 'LOCK_LOST', result: 'too late' });
    next.assertHeld();
    await next.release();
  });
});
