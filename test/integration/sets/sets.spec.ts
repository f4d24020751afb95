import { describe, expect, it } from '@jest/globals';

import type { LockEventMap } from '../../../lib/engine/api/lock-events.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { systemClock } from '../../../lib/engine/time/clock.js';
import { MemorySpace } from '../../../lib/memory/memory-space.js';
import { eventually } from '../../support/eventually.js';
import { Gate } from '../../support/gate.js';
import { openClient, openManager, type ManagerOptions } from '../../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';
import { Traffic } from '../../support/traffic.js';

const AB = ['a', 'b'];

/** Several processes on one store, and what is left in it. */
interface System {
  readonly managers: readonly [LockManager, LockManager];
  readonly leftovers: () => Promise<string[]>;
}

async function onRedis(options: ManagerOptions = {}): Promise<System> {
  const keyPrefix = uniquePrefix();
  const client = openClient(sharedRedisUrl());
  const open = (): LockManager => openManager(sharedRedisUrl(), { keyPrefix, ...options });
  const managers = [open(), open()] as const;
  for (const manager of managers) await manager.withLock('warm-up', () => {});
  const leftovers = async (): Promise<string[]> =>
    (await client.keys(`${keyPrefix}*`)).filter((key) => key !== `${keyPrefix}!fence`);
  return { managers, leftovers };
}

async function inMemory(options: ManagerOptions = {}): Promise<System> {
  const space = new MemorySpace(systemClock);
  const managers = [openManager(space, options), openManager(space, options)] as const;
  return { managers, leftovers: async () => space.keys() };
}

/** Whether a key is free; takes it for a moment. */
async function isFree(manager: LockManager, key: string): Promise<boolean> {
  const lock = await manager.tryAcquire(key);
  await lock?.release();
  return lock !== null;
}

/** What was told of a manager's calls, in order. */
function record(manager: LockManager): [name: string, event: LockEventMap['acquired']][] {
  const told: [string, LockEventMap['acquired']][] = [];
  const names = ['waiting', 'acquired', 'released', 'timeout', 'lost', 'unavailable'] as const;
  for (const name of names) manager.events.on(name, (event) => told.push([name, event as never]));
  return told;
}

describe.each([
  ['in Redis', onRedis],
  ['in memory', inMemory],
])('several keys %s', (_name, open) => {
  describe('that are free', () => {
    it('are taken together, sorted and without duplicates, and given back together', async () => {
      const { managers, leftovers } = await open();
      const [one, two] = managers;

      const lock = await one.acquire(['b', 'a', 'b']);

      expect(lock.key).toBe('a');
      expect(lock.keys).toEqual(AB);
      expect(lock.remainingMs).toBeGreaterThan(25_000);
      expect(lock.toJSON()).toMatchObject({ keys: AB, fencingToken: lock.fencingToken });
      for (const key of AB) expect(await isFree(two, key)).toBe(false);
      await lock.extend('40s');
      expect(lock.remainingMs).toBeGreaterThan(35_000);
      expect(await lock.release()).toBe('released');
      expect(await lock.release()).toBe('released');
      expect(lock.remainingMs).toBe(0);
      expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ code: 'LOCK_LOST' }));
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });

    it('are one call to those that listen', async () => {
      const { managers } = await open();
      const [one, two] = managers;
      const told = record(one);
      const busy = await two.acquire('b');
      const waiting = one.withLock(AB, () => {}, { label: 'transfer' });
      await eventually(() => expect(told).toHaveLength(1));
      await busy.release();
      await waiting;
      await timed(one.withLock(AB, () => {}));

      const call = { keys: AB, label: 'transfer', template: '' };
      expect(told.slice(0, 3)).toEqual([
        ['waiting', { ...call, key: 'b' }],
        ['acquired', expect.objectContaining({ ...call, key: 'a', via: 'handoff' })],
        ['released', expect.objectContaining({ ...call, key: 'a' })],
      ]);
      expect(told.slice(3).map(([name, { via }]) => [name, via])).toEqual([
        ['acquired', 'free'],
        ['released', undefined],
      ]);
    });

    it('named once or twice are one key', async () => {
      const { managers } = await open();
      const lock = await managers[0].acquire(['a', 'a']);

      expect(lock.keys).toEqual(['a']);
      await lock.release();
    });
  });

  describe('of which one is busy', () => {
    it('are refused after the wait, which names it; nothing of the others is left (A8)', async () => {
      const { managers, leftovers } = await open();
      const [one, two] = managers;
      const told = record(two);
      const busy = await one.acquire('b', { label: 'import' });
      const before = await leftovers();

      const { error, ms } = await timed(() => two.acquire(AB, { wait: 2000 }));

      expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'b', keys: AB });
      expect((error as Error).message).toMatch(/Lock "b" is still held .* by import/);
      expect(ms).toBeGreaterThanOrEqual(1999);
      expect((await leftovers()).sort()).toEqual(before.sort());
      expect(await isFree(one, 'a')).toBe(true);
      expect(told.map(([name, { key, keys }]) => [name, key, keys])).toEqual([
        ['waiting', 'b', AB],
        ['timeout', 'b', AB],
      ]);
      await busy.release();
    });

    it('are refused at once by a call that does not wait, and none is taken', async () => {
      const { managers, leftovers } = await open();
      const [one, two] = managers;
      for (const holder of managers) {
        const busy = await holder.acquire('b');
        const before = await leftovers();

        expect(await two.tryAcquire(AB)).toBeNull();
        await expect(two.acquire(AB, { wait: 0 })).rejects.toMatchObject({
          ...{ code: 'LOCK_TIMEOUT', key: 'b', keys: AB, waitedMs: 0 },
        });

        expect((await leftovers()).sort()).toEqual(before.sort());
        await busy.release();
      }
      await (await one.acquire(AB, { wait: 0 })).release();
    });

    it('keep what they have from others while they wait, and no longer', async () => {
      const { managers, leftovers } = await open();
      const [one, two] = managers;
      const busy = await one.acquire('b');
      const stop = new AbortController();
      const waiting = timed(two.acquire(AB, { signal: stop.signal }));
      await eventually(async () => expect(await isFree(one, 'a')).toBe(false));
      const reason = new Error('gone');

      stop.abort(reason);

      expect((await waiting).error).toBe(reason);
      await busy.release();
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });

    it('are taken once it comes free, with a larger number than before', async () => {
      const { managers } = await open();
      const [one, two] = managers;
      const busy = await one.acquire('b');
      const waiting = two.acquire(AB);
      await eventually(async () => expect((await one.inspect('b'))?.waiters).toBe(1));
      await busy.release();

      const lock = await waiting;

      expect(lock.fencingToken).toBeGreaterThan(busy.fencingToken);
      await lock.release();
    });

    it('give way to the shutdown, and hold nothing', async () => {
      const { managers, leftovers } = await open();
      const [one, two] = managers;
      const busy = await one.acquire('b');
      const waiting = timed(two.acquire(AB));
      await eventually(async () => expect((await one.inspect('b'))?.waiters).toBe(1));

      await two.close();

      expect((await waiting).error).toMatchObject({ code: 'LOCK_SHUTDOWN', keys: AB });
      await busy.release();
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });
  });

  it('in opposite order: a hundred pairs all end, never two in one section (A8)', async () => {
    const { managers, leftovers } = await open();
    const inside = new Set<string>();
    const move = async (from: string, to: string): Promise<void> => {
      for (const key of [from, to]) {
        expect(inside.has(key)).toBe(false);
        inside.add(key);
      }
      await new Promise(setImmediate);
      for (const key of [from, to]) inside.delete(key);
    };

    const calls = Array.from({ length: 100 }, (_, i) => {
      const pair = i % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const);
      return managers[i % 3 === 0 ? 0 : 1].withLock(pair, () => move(pair[0], pair[1]), {
        wait: '60s',
      });
    });

    await Promise.all(calls);
    await eventually(async () => expect(await leftovers()).toEqual([]));
  });

  it('among calls for one of them: never two in one key, and numbers that rise for each', async () => {
    const { managers, leftovers } = await open();
    const traffic = new Traffic(managers, ['a', AB, ['c', 'b'], 'c', ['a', 'b', 'c']]);

    for (let i = 0; i < 5; i += 1) {
      traffic.mark();
      await traffic.flows();
    }

    await traffic.stop();
    expect(traffic).toMatchObject({ errors: [], overlaps: 0, inversions: 0, lost: 0 });
    await eventually(async () => expect(await leftovers()).toEqual([]));
  });

  it('get fencing numbers that every later holder of one of them exceeds, of the same process as well', async () => {
    const { managers } = await open();
    const [one, two] = managers;
    const busy = await two.acquire('b');
    const first = one.acquire(AB);
    await eventually(async () => expect((await two.inspect('b'))?.waiters).toBe(1));
    // They queue behind the set for a key whose number is older than that of the other key.
    const later = ['a', 'a', 'a'].map((key) => one.acquire(key));
    const pair = one.acquire(['a', 'c']);
    await busy.release();
    const set = await first;
    await set.release();

    let last = set.fencingToken;
    for (const each of [...later, pair]) {
      const lock = await each;
      expect(lock.fencingToken).toBeGreaterThan(last);
      last = lock.fencingToken;
      await lock.release();
    }
    const after = await two.acquire('c');
    expect(after.fencingToken).toBeGreaterThan(last);
    await after.release();
  });

  describe('of which one is lost', () => {
    it('are lost as a whole, told once, and the others released', async () => {
      const { managers, leftovers } = await open();
      const [one, two] = managers;
      const told = record(one);
      const lock = await one.acquire(AB);

      await two.forceRelease('b');

      await eventually(() => expect(lock.signal.aborted).toBe(true));
      expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST', keys: AB });
      expect(lock.remainingMs).toBe(0);
      await expect(lock.extend()).rejects.toMatchObject({ code: 'LOCK_LOST', keys: AB });
      expect(await lock.release()).toBe('lost');
      await eventually(async () => expect(await leftovers()).toEqual([]));
      expect(told.map(([name]) => name)).toEqual(['acquired', 'lost']);
    });

    it('are lost when it turns out at the release', async () => {
      const { managers, leftovers } = await open();
      const [one, two] = managers;
      const task = one.withLock(
        AB,
        async () => {
          await two.forceRelease('a');
          return 7;
        },
        { renew: false },
      );

      await expect(task).rejects.toMatchObject({ code: 'LOCK_LOST', keys: AB, result: 7 });
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });

    it('by a maxHold are all released', async () => {
      const { managers, leftovers } = await open();
      const lock = await managers[0].acquire(AB, { maxHold: 30 });

      await eventually(() => expect(lock.signal.aborted).toBe(true));

      expect((lock.signal.reason as Error).message).toMatch(/held for maxHold \(30 ms\)/);
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });
  });

  it('with a minHold stay locked as long, all of them, unless the call got none', async () => {
    const { managers, leftovers } = await open();
    const [one, two] = managers;
    const busy = await two.acquire('b');
    await timed(one.acquire(AB, { wait: 30, minHold: '30s' }));
    await busy.release();
    await eventually(async () => expect(await leftovers()).toEqual([]));

    const lock = await one.acquire(AB, { minHold: 2500 });
    await lock.release();

    for (const key of AB) expect(await isFree(two, key)).toBe(false);
    await (await two.acquire(AB)).release();
  });

  describe('re-entered', () => {
    it('for one or several of them: the same lock, its number and its fate', async () => {
      const { managers } = await open();
      const [one] = managers;
      await one.withLock(['a', 'b', 'c'], async (outer) => {
        expect(one.current('b')).toBe(outer);
        await one.withLock('b', (inner) => {
          expect(inner.keys).toEqual(['b']);
          expect(inner.fencingToken).toBe(outer.fencingToken);
        });
        const inner = await one.acquire(['c', 'b']);
        expect(inner.keys).toEqual(['b', 'c']);
        expect(await inner.release()).toBe('released');
        outer.assertHeld();
      });
    });

    it('in part: the rest is taken in addition, and given back alone', async () => {
      const { managers } = await open();
      const [one, two] = managers;
      await one.withLock('b', async (outer) => {
        await one.withLock(AB, async (inner) => {
          expect(inner.keys).toEqual(AB);
          expect(await isFree(two, 'a')).toBe(false);
          expect(inner.fencingToken).toBeGreaterThanOrEqual(outer.fencingToken);
          await one.withLock(AB, () => one.withLock('a', () => one.withLock('b', () => {})));
        });
        expect(await isFree(two, 'a')).toBe(true);
        expect(await isFree(two, 'b')).toBe(false);
        outer.assertHeld();
      });
    });

    it('by calls of one section, in any order and nesting: none waits for another for ever', async () => {
      const { managers, leftovers } = await open();
      const [one] = managers;
      await one.withLock(['b', 'd'], () =>
        Promise.all([
          one.withLock(AB, () => {}),
          one.withLock(['d', 'a'], () => {}),
          one.withLock('a', () => one.withLock('b', () => {})),
          one.withLock(['a', 'b', 'c', 'd'], () => one.withLock(['c', 'e'], () => {})),
          one.withLock('b', () => one.withLock('d', () => {})),
          one.withLock('d', () => one.withLock('b', () => {})),
        ]),
      );
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });

    it('exclusively inside a shared hold of one of them are refused at once, and take nothing', async () => {
      const { managers } = await open();
      const [one, two] = managers;
      await one.withLock(
        'b',
        async () => {
          const upgrade = one.acquire(AB);
          await expect(upgrade).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
          await (await two.acquire('a')).release();
        },
        { mode: 'shared' },
      );
    });
  });

  it('are held by any number when shared, by as many as there are permits, by one exclusively', async () => {
    const { managers, leftovers } = await open();
    const [one, two] = managers;
    const readers = [
      await one.acquire(AB, { mode: 'shared' }),
      await one.acquire(AB, { mode: 'shared' }),
      await two.acquire(AB, { mode: 'shared' }),
    ];
    expect(await two.tryAcquire(AB)).toBeNull();
    await Promise.all(readers.map((lock) => lock.release()));
    const permits = [await one.acquire(AB, { permits: 2 }), await two.acquire(AB, { permits: 2 })];
    expect(await one.tryAcquire(AB, { permits: 2 })).toBeNull();
    expect(await one.tryAcquire('b', { permits: 2 })).toBeNull();
    await expect(one.acquire(['b', 'c'], { permits: 3 })).rejects.toMatchObject({
      ...{ code: 'LOCK_CONFIG', keys: ['b', 'c'] },
    });
    await Promise.all(permits.map((lock) => lock.release()));
    await eventually(async () => expect(await leftovers()).toEqual([]));
  });

  it('wait in line of a full queue as one key does', async () => {
    const { managers } = await open({ maxWaiters: 1 });
    const [one, two] = managers;
    const busy = await two.acquire('a');
    const first = one.acquire('a');
    await eventually(async () => expect((await two.inspect('a'))?.waiters).toBe(1));

    await expect(one.acquire(AB)).rejects.toMatchObject({ code: 'LOCK_QUEUE_FULL', keys: AB });

    await busy.release();
    await (await first).release();
  });

  it('end with the section that asks for them while the application closes', async () => {
    const { managers, leftovers } = await open({ shutdownTimeout: 5000 });
    const [one] = managers;
    const started = new Gate();
    const closing = new Gate();
    const section = one.withLock('s', async () => {
      started.open();
      await closing.passed;
      return one.withLock(AB, () => 'done');
    });
    await started.passed;
    const closed = one.close();
    closing.open();

    expect(await section).toBe('done');
    await closed;
    await eventually(async () => expect(await leftovers()).toEqual([]));
  });

  it('are refused at once when the list is empty, too long, or holds what is no key', async () => {
    const { managers, leftovers } = await open();
    const many = Array.from({ length: 1001 }, (_, i) => `k${i}`);
    for (const keys of [[], many, ['a', ''], ['a', '!b'], ['a', 7] as never, [['a']] as never])
      await expect(managers[0].acquire(keys)).rejects.toMatchObject({ code: 'LOCK_KEY' });
    expect(await leftovers()).toEqual([]);

    const lock = await managers[0].acquire(many.slice(1));
    expect(lock.keys).toHaveLength(1000);
    await lock.release();
    await eventually(async () => expect(await leftovers()).toEqual([]));
  });
});
