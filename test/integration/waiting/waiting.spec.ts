import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { getEventListeners } from 'node:events';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

let keyPrefix: string;
let redis: Redis;
let a: LockManager;
let b: LockManager;

const open = (options = {}): LockManager =>
  openManager(sharedRedisUrl(), { keyPrefix, ...options });
const holder = (): Promise<string | null> => redis.get(`${keyPrefix}k`);
const waiters = (count: number): Promise<void> =>
  eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(count));

beforeEach(async () => {
  keyPrefix = uniquePrefix();
  redis = openClient(sharedRedisUrl());
  [a, b] = [open(), open()];
  for (const manager of [a, b]) await manager.withLock('warm-up', () => {});
});

describe('tryAcquire', () => {
  it('takes a free lock, and answers null for a busy one at once', async () => {
    const lock = await a.tryAcquire('k');
    expect(lock?.key).toBe('k');

    const elsewhere = await timed(b.tryAcquire('k'));
    const here = await timed(a.tryAcquire('k'));

    expect([elsewhere.value, here.value]).toEqual([null, null]);
    expect(elsewhere.ms).toBeLessThan(NOISE_MS);
    expect(here.ms).toBeLessThan(NOISE_MS);
    await lock?.release();
    expect(await redis.keys(`${keyPrefix}*`)).toEqual([`${keyPrefix}!fence`]);
  });

  it('passes nobody who waits', async () => {
    const lock = await a.acquire('k');
    const waiting = b.acquire('k');
    await waiters(1);

    const [, tried] = await Promise.all([lock.release(), open().tryAcquire('k')]);

    expect(tried).toBeNull();
    await (await waiting).release();
  });

  it('takes the lock beside callers who have just begun to ask for it', async () => {
    const lock = await b.acquire('k');
    const waiting = a.acquire('k');

    expect(await a.tryAcquire('k')).toBeNull();

    await lock.release();
    await (await waiting).release();
  });

  it('is the same as wait: 0, which rejects', async () => {
    await a.acquire('k');

    const { error, ms } = await timed(b.acquire('k', { wait: 0 }));

    expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', waitedMs: 0, key: 'k' });
    expect(ms).toBeLessThan(NOISE_MS);
  });
});

describe('a waiter that fails (A5)', () => {
  /** B fails in a way of its own; A's lock and C's turn must not notice. */
  async function expectUntouched(fail: (lock: Lock) => Promise<void>): Promise<void> {
    const lock = await a.acquire('k');
    const token = await holder();
    await fail(lock);

    expect(await holder()).toBe(token);
    const c = open();
    const waiting = c.acquire('k');
    await waiters(1);
    expect(await open().tryAcquire('k')).toBeNull();
    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
    await (await waiting).release();
    expect(await redis.keys(`${keyPrefix}*`)).toEqual([`${keyPrefix}!fence`]);
  }

  it('by its timeout changes nothing, in the holder’s own process', () =>
    expectUntouched(async () => {
      const { error, ms } = await timed(a.acquire('k', { wait: 150 }));
      expect(error).toMatchObject({ code: 'LOCK_TIMEOUT' });
      expect(ms).toBeLessThan(150 + NOISE_MS);
    }));

  it('by its timeout changes nothing, in another process', () =>
    expectUntouched(async () => {
      await expect(b.acquire('k', { wait: 500 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    }));

  it.each(['its own', 'another'])('by an abort in %s process changes nothing', (where) =>
    expectUntouched(async () => {
      const controller = new AbortController();
      const manager = where === 'another' ? b : a;
      const failed = timed(manager.acquire('k', { signal: controller.signal }));
      if (where === 'another') await waiters(1);
      controller.abort('changed my mind');
      expect((await failed).error).toBe('changed my mind');
    }),
  );

  it('by an error of its own section changes nothing afterwards', () =>
    expectUntouched(async () => {
      const own = new Error('own');
      await expect(
        a.withLock('other', () => {
          throw own;
        }),
      ).rejects.toBe(own);
    }));

  it('by a crowd of them changes nothing', () =>
    expectUntouched(async () => {
      const crowd = [a, b].flatMap((manager) =>
        Array.from({ length: 20 }, (_, i) => timed(manager.acquire('k', { wait: 500 + i }))),
      );
      for (const { error } of await Promise.all(crowd))
        expect(error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    }));
});

describe('an AbortSignal', () => {
  it('that has aborted already rejects with its reason, and asks nobody', async () => {
    const reason = { any: 'thing' };
    const signal = AbortSignal.abort(reason);

    expect((await timed(a.acquire('k', { signal }))).error).toBe(reason);
    expect((await timed(a.withLock('k', () => {}, { signal }))).error).toBe(reason);
    expect((await timed(a.tryAcquire('k', { signal }))).error).toBe(reason);

    expect(await redis.exists(`${keyPrefix}k`)).toBe(0);
  });

  it('that has aborted already leaves nothing that a shutdown would wait for', async () => {
    const manager = open({ shutdownTimeout: 5000 });
    await timed(manager.acquire('k', { signal: AbortSignal.abort() }));

    expect((await timed(manager.close())).ms).toBeLessThan(1000);
  });

  it('after the lock was taken changes nothing', async () => {
    const controller = new AbortController();
    const lock = await a.acquire('k', { signal: controller.signal });

    controller.abort();

    expect(lock.signal.aborted).toBe(false);
    lock.assertHeld();
    expect(await b.tryAcquire('k')).toBeNull();
  });

  it('keeps no listener once the wait is over', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const lock = await a.acquire('k', { signal });
    await timed(b.acquire('k', { signal, wait: 50 }));
    await timed(a.acquire('k', { signal, wait: 50 }));
    await lock.release();

    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('tries that start together on a free lock', () => {
  it('end together: one has it, the others are told that it is busy', async () => {
    const tries = await Promise.all([a.tryAcquire('k'), a.tryAcquire('k'), a.tryAcquire('k')]);

    expect(tries.map((lock) => lock !== null)).toEqual([true, false, false]);
  });
});

describe('maxWaiters', () => {
  it('refuses the next caller of this process, and names the number', async () => {
    const manager = open({ maxWaiters: 2 });
    const lock = await manager.acquire('k');
    const waiting = [manager.acquire('k'), manager.acquire('k')];

    const { error, ms } = await timed(manager.acquire('k'));

    expect(error).toMatchObject({ code: 'LOCK_QUEUE_FULL', waiters: 2, keys: ['k'] });
    expect(ms).toBeLessThan(5000);
    expect(await manager.tryAcquire('other')).not.toBeNull();
    await lock.release();
    for (const one of waiting) await (await one).release();
    await (await manager.acquire('k')).release();
  });

  it('counts a caller again once another has gone', async () => {
    const manager = open({ maxWaiters: 1 });
    await b.acquire('k');
    const controller = new AbortController();
    const waiting = timed(manager.acquire('k', { signal: controller.signal }));
    await waiters(1);
    await expect(manager.acquire('k')).rejects.toMatchObject({ code: 'LOCK_QUEUE_FULL' });
    controller.abort();
    await waiting;

    await expect(manager.acquire('k', { wait: 500 })).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
  });

  it('of 0 lets callers take a free lock, and nobody wait', async () => {
    const manager = open({ maxWaiters: 0 });

    const lock = await manager.acquire('k');
    await expect(manager.acquire('k')).rejects.toMatchObject({ code: 'LOCK_QUEUE_FULL' });
    expect(await manager.tryAcquire('k')).toBeNull();
    await lock.release();

    await (await manager.acquire('k')).release();
  });

  it('of 0 lets nobody wait for a holder in another process either', async () => {
    const manager = open({ maxWaiters: 0 });
    await using _held = await b.acquire('k');

    await expect(manager.acquire('k')).rejects.toMatchObject({
      code: 'LOCK_QUEUE_FULL',
      waiters: 0,
    });

    await waiters(0);
  });

  it('refuses those who are too many once the lock is known to be busy', async () => {
    const manager = open({ maxWaiters: 1 });
    const lock = await b.acquire('k');
    const calls = [manager.acquire('k'), manager.acquire('k')];

    await expect(calls[1]).rejects.toMatchObject({ code: 'LOCK_QUEUE_FULL', waiters: 1 });
    await lock.release();

    await (await calls[0])!.release();
  });

  it('is nothing to calls that take one try', async () => {
    const manager = open({ maxWaiters: 0 });
    const tries = Array.from({ length: 30 }, () => manager.tryAcquire('k'));

    const [lock, ...others] = await Promise.all(tries);

    expect(lock?.key).toBe('k');
    expect(others.every((other) => other === null)).toBe(true);
    await expect(manager.acquire('k', { wait: 0 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
  });

  it('counts no calls that take one try', async () => {
    const manager = open({ maxWaiters: 1 });
    const lock = await b.acquire('k');
    const tries = Array.from({ length: 5 }, () => manager.tryAcquire('k'));
    const call = manager.acquire('k');

    expect(await Promise.all(tries)).toEqual(tries.map(() => null));
    await lock.release();

    await (await call).release();
  });

  it('refuses nobody for whom a permit is free', async () => {
    const manager = open({ maxWaiters: 1 });
    const permits = { permits: 3 };
    const held = await b.acquire('k', permits);
    const calls = Array.from({ length: 5 }, () => manager.acquire('k', permits));

    await expect(calls[4]).rejects.toMatchObject({ code: 'LOCK_QUEUE_FULL' });
    await expect(calls[3]).rejects.toMatchObject({ code: 'LOCK_QUEUE_FULL' });
    for (const call of calls.slice(0, 2)) await (await call).release();
    await held.release();

    await (await calls[2])!.release();
  });

  it('refuses no reader of a lock that is free', async () => {
    const manager = open({ maxWaiters: 0 });

    const readers = Array.from({ length: 5 }, () => manager.acquire('k', { mode: 'shared' }));

    for (const reader of await Promise.all(readers)) await reader.release();
  });
});

describe('order', () => {
  it('in one process is call order (A14)', async () => {
    const order: number[] = [];
    const lock = await b.acquire('k');
    const calls = Array.from({ length: 20 }, (_, i) => a.withLock('k', () => void order.push(i)));
    await waiters(20);

    await lock.release();
    await Promise.all(calls);

    expect(order).toEqual([...order].sort((x, y) => x - y));
    expect(order).toHaveLength(20);
  });

  it('between processes is first come, first served (A14, I7)', async () => {
    const order: number[] = [];
    const lock = await a.acquire('k');
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 5; i += 1) {
      calls.push(open().withLock('k', () => void order.push(i)));
      await waiters(i + 1);
    }

    await lock.release();
    await Promise.all(calls);

    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('lets another process in after localHandoffs hand-overs, and goes on behind it', async () => {
    const manager = open({ localHandoffs: 2 });
    const order: string[] = [];
    const lock = await manager.acquire('k');
    const other = b.withLock('k', () => void order.push('other'));
    await waiters(1);
    // The push that somebody waits may be on its way still; the answer tells it as well.
    await lock.extend();
    const own = Array.from({ length: 5 }, (_, i) =>
      manager.withLock('k', () => void order.push(`own ${i}`)),
    );

    await lock.release();
    await Promise.all([...own, other]);

    // Sooner when 25 ms have passed before.
    expect(order.indexOf('other')).toBeLessThanOrEqual(2);
    expect(order.filter((who) => who !== 'other')).toEqual(own.map((_, i) => `own ${i}`));
  });

  it('lets another process in after 25 ms, though the own callers are many (I7)', async () => {
    const order: string[] = [];
    const lock = await a.acquire('k');
    const own = Array.from({ length: 10 }, (_, i) =>
      a.withLock('k', () => {
        order.push(`own ${i}`);
        const endsAt = performance.now() + 20;
        while (performance.now() < endsAt);
      }),
    );
    const other = b.withLock('k', () => void order.push('other'));
    await eventually(async () =>
      expect(await redis.zcard(`${keyPrefix}!q:{${keyPrefix}k}`)).toBe(1),
    );

    await lock.release();
    await Promise.all([...own, other]);

    expect(order.indexOf('other')).toBeLessThan(5);
    expect(order).toHaveLength(11);
  });

  it('passes over a caller that gave up', async () => {
    const order: number[] = [];
    const lock = await a.acquire('k');
    const controller = new AbortController();
    const gone = timed(a.acquire('k', { signal: controller.signal }));
    const next = a.withLock('k', () => void order.push(1));
    controller.abort();
    await gone;

    await lock.release();
    await next;

    expect(order).toEqual([1]);
  });
});

describe('events', () => {
  it('tell of a wait, of how the lock came, and of its end, with key and label', async () => {
    const seen: [string, unknown][] = [];
    for (const name of ['waiting', 'acquired', 'released', 'timeout'] as const)
      a.events.on(name, (event) => seen.push([name, event]));
    const mark = { key: 'k', label: 'job', template: '' };
    const free = await a.acquire('k', { label: 'job' });
    const local = a.acquire('k', { label: 'job' });
    await free.release();
    await (await local).release();
    const foreign = await b.acquire('k');
    await timed(a.acquire('k', { label: 'job', wait: 500 }));
    const handed = a.acquire('k', { label: 'job' });
    await waiters(1);
    await foreign.release();
    await (await handed).release();

    expect(seen).toMatchObject([
      ['acquired', { ...mark, via: 'free' }],
      ['waiting', mark],
      ['released', mark],
      ['acquired', { ...mark, via: 'local' }],
      ['released', mark],
      ['waiting', mark],
      ['timeout', mark],
      ['waiting', mark],
      ['acquired', { ...mark, via: 'handoff' }],
      ['released', mark],
    ]);
    const times = seen.map(([, event]) => event as { waitedMs?: number; heldMs?: number });
    for (const { waitedMs = 0, heldMs = 0 } of times)
      expect(Math.min(waitedMs, heldMs)).toBeGreaterThanOrEqual(0);
    expect(times[6]?.waitedMs).toBeGreaterThan(490);
  });

  it('with listeners that throw change nothing', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const names = ['waiting', 'acquired', 'renewed', 'lost', 'released', 'timeout'] as const;
    for (const name of names)
      a.events.on(name, () => {
        throw new Error(`listener of ${name}`);
      });

    await a.withLock('k', async () => {
      await timed(b.acquire('k', { wait: 20 }));
    });

    expect(warned).toHaveBeenCalledTimes(2);
    expect(warned.mock.calls[0]?.[0]).toContain('listener of acquired');
    warned.mockRestore();

    expect(await b.tryAcquire('k')).not.toBeNull();
  });
});
