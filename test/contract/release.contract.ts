import { describe, expect, it } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { BRIEF, KEY, SHORT, takenOver } from './store-system.js';
import type { Contract } from './store-system.js';

/** Giving a lock back, at once or after the rest of a minHold. */
export function describeRelease({ setUp, where, holds, lacks }: Contract): void {
  describe('release', () => {
    it('answers "not-held" for a lock that is free, or that another has, and leaves it so', async () => {
      const [system, a, b] = await setUp(2);

      expect(await a.release(KEY, a.token())).toBe('not-held');
      expect((await system.leftovers()) ?? []).toEqual([]);
      const token = await b.take(KEY);
      expect(await a.release(KEY, a.token())).toBe('not-held');
      expect(await a.store.inspect(KEY)).toMatchObject({ token });
    });

    it('leaves nothing behind', async () => {
      const [system, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);

      await a.release(KEY, token);
      await takenOver(b, KEY, waiting);
      await b.release(KEY, waiting);

      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    where('one-place')(
      'leaves nothing of a process that died with callers of its own waiting',
      async () => {
        const [system, a, b] = await setUp(2);
        const dead = await a.take(KEY, { ttl: SHORT });
        await a.renew(KEY, dead, { ttl: SHORT, callers: 5 });

        await b.release(KEY, await eventually(() => b.take(KEY)));

        expect((await system.leftovers()) ?? []).toEqual([]);
      },
    );

    it('takes a waiting token out of the queue', async () => {
      const [system, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);

      await b.release(KEY, waiting);

      expect((await b.poll(KEY, waiting)).kind).toBe('gone');
      expect((await a.store.inspect(KEY))!.waiters).toEqual(new Map());
      await a.release(KEY, token);
      const look = async (): Promise<void> => expect(await a.store.inspect(KEY)).toBeNull();
      await (lacks.includes('one-place') ? eventually(look) : look());
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    where('order')('of an unwanted grant hands over to the next', async () => {
      const [, a, b, c] = await setUp(3);
      const token = await a.take(KEY);
      const unwanted = await b.wait(KEY);
      const next = await c.wait(KEY);
      await a.release(KEY, token);
      await b.granted(unwanted);

      expect(await b.release(KEY, unwanted)).toBe('released');

      await c.granted(next);
      await holds(c, next);
    });
  });

  describe('release with a minHoldLeft', () => {
    it('keeps the lock from everybody for that long, and nobody holds it', async () => {
      const [system, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const releasedAt = performance.now();

      expect(await a.release(KEY, token, BRIEF)).toBe('released');

      expect(await a.store.inspect(KEY)).toMatchObject({ token: undefined });
      expect((await b.acquire(KEY, b.token())).kind).toBe('busy');
      expect((await a.acquire(KEY, a.token())).kind).toBe('busy');
      expect((await a.renew(KEY, token)).kind).toBe('lost');
      expect(await a.release(KEY, token)).toBe('not-held');
      await eventually(async () => expect(await a.store.inspect(KEY)).toBeNull());
      expect(performance.now() - releasedAt).toBeGreaterThan(BRIEF - 5);
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    it('shortens a lease that is longer', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY, { ttl: 30_000 });

      await a.release(KEY, token, BRIEF);

      expect((await a.store.inspect(KEY))!.leaseLeft).toBeLessThanOrEqual(BRIEF);
    });

    it('lets who waits have the lock afterwards', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);

      await a.release(KEY, token, BRIEF);

      expect((await b.poll(KEY, waiting)).kind).toBe('queued');
      await eventually(async () => expect((await b.poll(KEY, waiting)).kind).toBe('held'));
    });

    where('pushes')('tells the first waiter when to ask', async () => {
      const [, a, b, c] = await setUp(3);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);
      await c.wait(KEY);

      await a.release(KEY, token, 5000);

      await eventually(() => expect(b.rechecks).toEqual([{ token: waiting, inMs: 5000 }]));
      expect(c.rechecks).toEqual([]);
    });
  });
}
