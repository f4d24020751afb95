import { describe, expect, it } from '@jest/globals';

import { KEY, held } from './store-system.js';
import type { Contract } from './store-system.js';

/** Asking for a lock: who gets it, what the others are told, and what is left behind. */
export function describeAcquire({ setUp }: Contract): void {
  describe('acquire', () => {
    it('gives a free lock to one of many that ask at once', async () => {
      const [, ...parties] = await setUp(5);

      const replies = await Promise.all(
        parties.flatMap((party) => [
          party.acquire(KEY, party.token()),
          party.acquire(KEY, party.token()),
        ]),
      );

      expect(replies.filter(({ kind }) => kind === 'held')).toHaveLength(1);
      expect(replies.filter(({ kind }) => kind === 'busy')).toHaveLength(9);
    });

    it('answers with the lease, the fencing numbers and an empty queue', async () => {
      const [, a] = await setUp(1);

      const sentAfter = performance.now();
      const reply = held(await a.acquire(KEY, a.token(), { ttl: 5000, fences: 3 }));

      expect(reply).toMatchObject({ lease: 5000, queue: 0 });
      expect(reply.sentAt).toBeGreaterThanOrEqual(sentAfter);
      expect(reply.fences.last - reply.fences.next + 1).toBe(3);
      expect(Number.isSafeInteger(reply.fences.last)).toBe(true);
    });

    it('does not touch another key', async () => {
      const [, a, b] = await setUp(2);
      await a.take(KEY);

      expect((await b.acquire('order:8', b.token())).kind).toBe('held');
    });

    it('leaves nothing behind when the lock is busy', async () => {
      const [system, a, b] = await setUp(2);
      const token = await a.take(KEY);

      const reply = await b.acquire(KEY, b.token());

      expect(reply.kind).toBe('busy');
      expect(await a.store.inspect(KEY)).toMatchObject({ token, waiters: new Map() });
      await a.release(KEY, token);
      expect(await a.store.inspect(KEY)).toBeNull();
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    it('tells a busy caller what is left of the lease', async () => {
      const [, a, b] = await setUp(2);
      await a.take(KEY, { ttl: 5000 });

      const reply = await b.acquire(KEY, b.token());

      expect(reply).toMatchObject({ kind: 'busy' });
      expect((reply as { leaseLeft: number }).leaseLeft).toBeGreaterThan(4000);
      expect((reply as { leaseLeft: number }).leaseLeft).toBeLessThanOrEqual(5000);
    });

    it('sent again, never makes a lease shorter', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY, { ttl: 30_000 });

      const again = await a.acquire(KEY, token, { ttl: 500 });

      expect(again.kind).toBe('held');
      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(10_000);
      expect((await a.queue(KEY, token, { ttl: 500 })).kind).toBe('held');
      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(10_000);
    });

    it('sent again after a renewal, leaves the lease as long as that made it', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY, { ttl: 2000 });
      await a.renew(KEY, token, { ttl: 30_000 });

      expect((await a.acquire(KEY, token, { ttl: 2000 })).kind).toBe('held');

      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(10_000);
    });

    it('does not act after its time', async () => {
      const [, a, b] = await setUp(2);
      await a.poll(KEY, a.token());

      const free = await a.acquire(KEY, a.token(), { until: performance.now() - 5000 });
      const token = await b.take(KEY);
      const busy = await a.queue(KEY, a.token(), { until: performance.now() - 5000 });

      expect([free.kind, busy.kind]).toEqual(['stale', 'stale']);
      expect(await b.store.inspect(KEY)).toMatchObject({ token, waiters: new Map() });
    });
  });
}
