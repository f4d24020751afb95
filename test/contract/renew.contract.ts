import { describe, expect, it } from '@jest/globals';

import { COMMAND_MS } from './store-party.js';
import { KEY } from './store-system.js';
import type { Contract } from './store-system.js';

/** Prolonging leases, one or many in one command. */
export function describeRenew({ setUp, where }: Contract): void {
  describe('renew', () => {
    it('answers for each lock, in order, and prolongs only what is held', async () => {
      const [, a, b] = await setUp(2);
      const mine = await a.take('mine', { ttl: 2000 });
      const theirs = await b.take('theirs', { ttl: 2000 });
      const until = performance.now() + COMMAND_MS;
      const ask = (key: string, token: string) => ({
        key,
        token,
        ttl: 5000,
        until,
        fences: 0,
        callers: 0,
      });

      const replies = await a.store.renew([
        ask('theirs', a.token()),
        ask('mine', mine),
        ask('nobody', a.token()),
      ]);

      expect(replies.map(({ kind }) => kind)).toEqual(['lost', 'held', 'lost']);
      expect((await a.store.inspect('mine'))!.leaseLeft).toBeGreaterThan(4000);
      const other = await a.store.inspect('theirs');
      expect(other!.token).toBe(theirs);
      expect(other!.leaseLeft).toBeLessThanOrEqual(2000);
      expect(await a.store.inspect('nobody')).toBeNull();
    });

    it('renews more leases than fit into one command', async () => {
      const [, a] = await setUp(1);
      const keys = Array.from({ length: 450 }, (_, i) => `many:${i}`);
      const tokens: string[] = [];
      for (let i = 0; i < keys.length; i += 50) {
        const some = keys.slice(i, i + 50).map((key) => a.take(key, { ttl: 60_000 }));
        tokens.push(...(await Promise.all(some)));
      }
      await a.release(keys[444]!, tokens[444]!);
      const until = performance.now() + COMMAND_MS;

      const replies = await a.store.renew(
        keys.map((key, i) => ({
          key,
          token: tokens[i]!,
          ttl: 60_000,
          until,
          fences: 0,
          callers: 0,
        })),
      );

      expect(replies).toHaveLength(450);
      expect(replies.map(({ kind }) => kind).indexOf('lost')).toBe(444);
      expect(replies.filter(({ kind }) => kind === 'held')).toHaveLength(449);
    });

    it('answers each of many by itself, whatever is asked for the others', async () => {
      const [, a] = await setUp(1);
      const fences = (i: number): number => (i % 3 === 0 ? 2 : 0);
      // Those that ask for numbers are in one slot: a Cluster has a counter for each slot.
      const nameOf = (i: number): string => (fences(i) > 0 ? `{mixed}:${i}` : `mixed:${i}`);
      const keys = Array.from({ length: 240 }, (_, i) => nameOf(i));
      const tokens = await Promise.all(keys.map((key) => a.take(key)));
      const isLost = (i: number): boolean => i % 50 === 7;
      const isLate = (i: number): boolean => i % 50 === 8;
      const callers = (i: number): number => (i % 4 === 0 ? 3 : 0);
      for (const [i, key] of keys.entries()) if (isLost(i)) await a.release(key, tokens[i]!);
      const now = performance.now();

      const replies = await a.store.renew(
        keys.map((key, i) => ({
          key,
          token: tokens[i]!,
          ttl: 60_000,
          until: isLate(i) ? now - 5000 : now + COMMAND_MS,
          fences: fences(i),
          callers: callers(i),
        })),
      );

      const numbers: number[] = [];
      for (const [i, reply] of replies.entries()) {
        expect(reply.kind).toBe(isLost(i) ? 'lost' : isLate(i) ? 'unknown' : 'held');
        if (reply.kind !== 'held') continue;
        expect(reply.fences.last - reply.fences.next + 1).toBe(fences(i));
        if (fences(i) > 0) numbers.push(reply.fences.next, reply.fences.last);
        const seen = await a.store.inspect(keys[i]!);
        expect(seen!.leaseLeft).toBeGreaterThan(35_000);
        expect(seen!.waiters.get(a.boot) ?? 0).toBe(callers(i));
      }
      expect(new Set(numbers).size).toBe(numbers.length);
    });

    it('never makes a lease shorter', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY, { ttl: 30_000 });

      expect((await a.renew(KEY, token, { ttl: 200 })).kind).toBe('held');

      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(25_000);
    });

    it('does not act after its time', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY, { ttl: 2000 });

      const reply = await a.renew(KEY, token, { until: performance.now() - 5000 });

      expect(reply.kind).toBe('unknown');
      expect((await a.store.inspect(KEY))!.leaseLeft).toBeLessThanOrEqual(2000);
    });

    where('order')('tells how many processes wait', async () => {
      const [, a, b, c] = await setUp(3);
      const token = await a.take(KEY);
      await b.wait(KEY);
      await c.wait(KEY);

      expect(await a.renew(KEY, token)).toMatchObject({ kind: 'held', queue: 2 });
    });
  });
}
