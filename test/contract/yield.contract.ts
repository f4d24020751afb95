import { describe, expect, it } from '@jest/globals';

import { KEY, takenOver } from './store-system.js';
import type { Contract } from './store-system.js';

/** Giving a lock to the next and waiting behind it, in one command. */
export function describeYield({ setUp, where, holds }: Contract): void {
  describe('a token that yields', () => {
    where('order')('gives the lock to the waiter and waits behind it, in one step', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);
      const again = a.token();

      const reply = await a.queue(KEY, again, { yields: token });

      expect(reply).toMatchObject({ kind: 'queued', yielded: true, rank: 0 });
      await holds(a, waiting);
      expect((await takenOver(b, KEY, waiting)).queue).toBe(1);
      await b.release(KEY, waiting);
      await holds(a, again);
    });

    where('one-place')('keeps the lock when its command comes after its time', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY);
      await b.wait(KEY);
      const until = performance.now() - 5000;

      const reply = await a.queue(KEY, a.token(), { yields: token, until });

      expect(reply.kind).toBe('stale');
      await holds(a, token);
      expect((await a.store.inspect(KEY))!.waiters).toEqual(new Map([[b.boot, 1]]));
      expect((await a.renew(KEY, token)).kind).toBe('held');
    });

    it('releases what it had when its command came after its time', async () => {
      const [system, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);
      const until = performance.now() - 5000;
      expect((await a.queue(KEY, a.token(), { yields: token, until })).kind).toBe('stale');

      expect(await a.release(KEY, token)).toBe('released');

      await takenOver(b, KEY, waiting);
      await b.release(KEY, waiting);
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    it('sent again after a renewal, leaves the new lease as long as that made it', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY);
      const again = a.token();
      await a.queue(KEY, again, { yields: token });
      await a.renew(KEY, again, { ttl: 30_000 });

      expect((await a.queue(KEY, again, { yields: token, ttl: 500 })).kind).toBe('held');

      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(10_000);
    });

    it('gets the lock back when nobody waits', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY);
      const again = a.token();

      const reply = await a.queue(KEY, again, { yields: token });

      expect(reply).toMatchObject({ kind: 'held', yielded: true });
      expect(await a.store.inspect(KEY)).toMatchObject({ token: again });
    });

    it('is told when it had lost the lock, and only waits then', async () => {
      const [, a, b] = await setUp(2);
      const lost = await a.take(KEY);
      await b.store.revoke(KEY);
      const other = await b.take(KEY);

      const reply = await a.queue(KEY, a.token(), { yields: lost });

      expect(reply).toMatchObject({ kind: 'queued', yielded: false });
      expect(await a.store.inspect(KEY)).toMatchObject({ token: other });
    });
  });
}
