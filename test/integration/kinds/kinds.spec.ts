import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LockOptions } from '../../../lib/engine/api/lock-options.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { MemorySpace } from '../../../lib/memory/memory-space.js';
import { systemClock } from '../../../lib/engine/time/clock.js';
import { eventually } from '../../support/eventually.js';
import { Gate } from '../../support/gate.js';
import { openClient, openManager } from '../../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

const SHARED = { mode: 'shared' } as const;

/** Several processes on one store, and what is left in it. */
interface System {
  readonly managers: readonly LockManager[];
  readonly leftovers: () => Promise<string[]>;
}

async function onRedis(count: number): Promise<System> {
  const keyPrefix = uniquePrefix();
  const client = openClient(sharedRedisUrl());
  const managers = Array.from({ length: count }, () =>
    openManager(sharedRedisUrl(), { keyPrefix }),
  );
  for (const manager of managers) await manager.withLock('warm-up', () => {});
  const leftovers = async (): Promise<string[]> =>
    (await client.keys(`${keyPrefix}*`)).filter((key) => key !== `${keyPrefix}!fence`);
  return { managers, leftovers };
}

async function inMemory(count: number): Promise<System> {
  const space = new MemorySpace(systemClock);
  const managers = Array.from({ length: count }, () => openManager(space));
  return { managers, leftovers: async () => space.keys() };
}

/** Who holds a key, as another process sees it. */
async function labelsOf(manager: LockManager, key: string): Promise<readonly string[]> {
  const info = await manager.inspect(key);
  return (info?.holders ?? []).map(({ label }) => label).sort();
}

describe.each([
  ['in Redis', onRedis],
  ['in memory', inMemory],
])('%s', (_name, open) => {
  describe('a shared lock', () => {
    it('lets the callers of all processes in at once, and a writer after them', async () => {
      const { managers, leftovers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const readers = await Promise.all([
        a.acquire('k', SHARED),
        a.acquire('k', SHARED),
        b.acquire('k', SHARED),
      ]);
      const fences = new Set(readers.map((lock) => lock.fencingToken));
      expect(fences.size).toBe(3);
      expect(await b.tryAcquire('k')).toBeNull();
      const writing = b.acquire('k');
      for (const reader of readers) expect(await reader.release()).toBe('released');
      const writer = await writing;
      expect(writer.fencingToken).toBeGreaterThan(Math.max(...fences));
      expect(await a.tryAcquire('k', SHARED)).toBeNull();
      await writer.release();
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });

    it('numbers its holders in the order in which they enter, whichever processes they are of', async () => {
      const { managers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const locks = [];
      for (let i = 0; i < 4; i += 1)
        for (const manager of [a, b, b]) {
          locks.push(await manager.acquire('k', SHARED));
          // Several at once, for whose sake more numbers are reserved.
          const batch = Array.from({ length: 3 }, () => manager.acquire('k', SHARED));
          locks.push(...(await Promise.all(batch)));
        }
      const fences = locks.map((lock) => lock.fencingToken);
      expect(fences).toEqual([...new Set(fences)].sort((x, y) => x - y));
      await Promise.all(locks.map((lock) => lock.release()));
    });

    it('closes the door to later readers of other processes once a writer waits', async () => {
      const { managers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const order: string[] = [];
      const early = await a.acquire('k', SHARED);
      const writing = b.withLock('k', async () => void order.push('writer'));
      // The note that somebody waits takes its time.
      await eventually(async () => {
        const lock = await a.tryAcquire('k', SHARED);
        await lock?.release();
        expect(lock).toBeNull();
      });
      const late = b.withLock('k', () => void order.push('reader'), SHARED);
      // One of the reader's own process may join it until the note has come, and in its turn for 25 ms.
      const beside = a.withLock('k', () => {}, SHARED);
      await eventually(async () =>
        expect((await a.inspect('k'))?.waiters).toBeGreaterThanOrEqual(2),
      );
      await early.release();
      await Promise.all([writing, late, beside]);
      expect(order).toEqual(['writer', 'reader']);
    });

    it('lets readers join again once the writer has given up', async () => {
      const { managers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const early = await a.acquire('k', SHARED);
      await timed(b.acquire('k', { wait: 60 }));
      const late = await Promise.all([a.acquire('k', SHARED), b.acquire('k', SHARED)]);
      await Promise.all([early, ...late].map((lock) => lock.release()));
    });

    it('a writer of the same process closes the door as well', async () => {
      const { managers } = await open(1);
      const [a] = managers as [LockManager];
      const order: string[] = [];
      const early = await a.acquire('k', SHARED);
      const writing = a.withLock('k', () => void order.push('writer'));
      await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
      await eventually(async () => {
        const late = await a.tryAcquire('k', SHARED);
        await late?.release();
        expect(late).toBeNull();
      });
      await early.release();
      await writing;
      expect(order).toEqual(['writer']);
    });

    it('keeps the other readers when one of them overstays its maxHold', async () => {
      const { managers } = await open(1);
      const [a] = managers as [LockManager];
      const stays = await a.acquire('k', SHARED);
      const goes = await a.acquire('k', { ...SHARED, maxHold: 30 });
      await eventually(() => expect(goes.signal.aborted).toBe(true));
      expect(stays.signal.aborted).toBe(false);
      expect(await goes.release()).toBe('lost');
      expect(await stays.release()).toBe('released');
    });

    it('is shown by inspect with every process that holds it', async () => {
      const { managers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const locks = [
        await a.acquire('k', { ...SHARED, label: 'a' }),
        await b.acquire('k', { ...SHARED, label: 'b' }),
      ];
      const seen = await a.inspect('k');
      expect(seen).toMatchObject({ key: 'k', mode: 'shared', permits: 1, waiters: 0 });
      expect(seen!.holders.map(({ label }) => label).sort()).toEqual(['a', 'b']);
      expect(await a.forceRelease('k')).toBe(true);
      for (const lock of locks) await eventually(() => expect(lock.signal.aborted).toBe(true));
      expect(await a.inspect('k')).toBeNull();
    });
  });

  describe('re-entrance', () => {
    it('lets a shared call into an exclusive lock, and refuses the other way round at once', async () => {
      const { managers, leftovers } = await open(1);
      const [a] = managers as [LockManager];
      await a.withLock('k', () => a.withLock('k', () => {}, SHARED));
      const upgrade = a.withLock('k', () => a.withLock('k', () => {}), SHARED);
      await expect(upgrade).rejects.toMatchObject({ code: 'LOCK_CONFIG', keys: ['k'] });
      const other = a.withLock('k', () => a.withLock('k', () => {}, { permits: 3 }), {
        permits: 2,
      });
      await expect(other).rejects.toMatchObject({ code: 'LOCK_CONFIG', keys: ['k'] });
      await a.withLock('k', () => a.withLock('k', () => {}, { permits: 2 }), { permits: 2 });
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });
  });

  describe('a semaphore', () => {
    it('shows other processes the label of each holder', async () => {
      const { managers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const jobs = ['backup', 'invoices', 'mails'];
      const acquire = (label: string) => a.acquire('k', { permits: 3, label });
      const locks = await Promise.all(jobs.map(acquire));
      expect(await labelsOf(b, 'k')).toEqual(jobs);

      await locks[1]?.release();

      expect(await labelsOf(b, 'k')).toEqual(['backup', 'mails']);
    });

    it('lets as many in as it has permits, whichever processes they are of', async () => {
      const { managers, leftovers } = await open(3);
      let inside = 0;
      let most = 0;
      let runs = 0;
      const section = async (): Promise<void> => {
        inside += 1;
        most = Math.max(most, inside);
        await sleep(2);
        inside -= 1;
        runs += 1;
      };
      const callers = managers.flatMap((manager) =>
        Array.from({ length: 30 }, () => manager.withLock('k', section, { permits: 4 })),
      );
      await Promise.all(callers);
      expect(runs).toBe(90);
      expect(most).toBe(4);
      await eventually(async () => expect(await leftovers()).toEqual([]));
    });

    it('gives free permits to the callers of one tick, and tells the next that it is busy', async () => {
      const { managers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const locks = await Promise.all([1, 2, 3].map(() => a.tryAcquire('k', { permits: 3 })));
      expect(locks.every((lock) => lock !== null)).toBe(true);
      expect(await a.tryAcquire('k', { permits: 3 })).toBeNull();
      expect(await b.tryAcquire('k', { permits: 3 })).toBeNull();
      const next = b.acquire('k', { permits: 3 });
      await locks[1]!.release();
      await (await next).release();
    });

    it('does not get along with other permits, nor with another use of the key', async () => {
      const { managers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const lock = await a.acquire('k', { permits: 3 });
      for (const options of [{ permits: 4 }, {}, SHARED] as LockOptions[])
        for (const manager of [a, b]) {
          const refused = manager.acquire('k', options);
          await expect(refused).rejects.toMatchObject({ code: 'LOCK_CONFIG', keys: ['k'] });
          await expect(refused).rejects.toThrow(/semaphore of 3 permits/);
        }
      await lock.release();
      await (await b.acquire('k')).release();
    });

    it('with a minHold never starts more in any second than it has permits', async () => {
      const { managers } = await open(2);
      const starts: number[] = [];
      const options = { permits: 3, minHold: 300 };
      // Counted back from the end: a start is told late by a process that is busy.
      for (const one of managers)
        one.events.on('released', ({ heldMs }) => void starts.push(performance.now() - heldMs));
      await Promise.all(
        managers.flatMap((one) =>
          Array.from({ length: 6 }, () => one.withLock('k', () => {}, options)),
        ),
      );
      expect(starts).toHaveLength(12);
      starts.sort((x, y) => x - y);
      for (const [i, at] of starts.entries())
        if (i >= 3) expect(at - (starts[i - 3] as number)).toBeGreaterThan(298);
    });

    it('a process that holds a permit may wait for another', async () => {
      const { managers } = await open(2);
      const [a, b] = managers as [LockManager, LockManager];
      const own = await a.acquire('k', { permits: 2 });
      const other = await b.acquire('k', { permits: 2 });
      const done = new Gate();
      const waiting = a.withLock('k', () => done.open(), { permits: 2 });
      await eventually(async () => expect((await b.inspect('k'))?.waiters).toBe(1));
      await other.release();
      await done.passed;
      await waiting;
      await own.release();
    });
  });

  it('readers, writers and impatient callers of several processes all end, never side by side', async () => {
    const { managers, leftovers } = await open(3);
    let readers = 0;
    let writers = 0;
    const read = async (): Promise<void> => {
      readers += 1;
      expect(writers).toBe(0);
      await sleep(1);
      readers -= 1;
    };
    const write = async (): Promise<void> => {
      writers += 1;
      expect([readers, writers]).toEqual([0, 1]);
      await sleep(1);
      writers -= 1;
    };
    const calls = managers.flatMap((one, p) =>
      Array.from({ length: 40 }, async (_, i) => {
        await sleep((i * 7 + p * 3) % 40);
        if (i % 5 === 0) return one.withLock('k', write);
        if (i % 7 === 0) return timed(one.withLock('k', read, { ...SHARED, wait: 3 }));
        return one.withLock('k', read, SHARED);
      }),
    );
    await Promise.all(calls);
    expect([readers, writers]).toEqual([0, 0]);
    await eventually(async () => expect(await leftovers()).toEqual([]));
  });
});
