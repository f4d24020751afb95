import { describe, expect, it } from '@jest/globals';

import { KEY, queued, takenOver } from './store-system.js';
import type { Contract } from './store-system.js';

/** The places of those that wait. */
export function describeQueue({ setUp, where, holds }: Contract): void {
  describe('the queue', () => {
    where('order')('serves processes in the order in which they came', async () => {
      const [, a, ...others] = await setUp(5);
      const order: string[] = [await a.take(KEY)];
      const parties = [a];
      for (const party of others) {
        order.push(await party.wait(KEY));
        parties.push(party);
      }

      for (const [i, token] of order.entries()) {
        await holds(a, token);
        await parties[i]!.release(KEY, token);
      }

      expect(await a.store.inspect(KEY)).toBeNull();
    });

    where('order')('shows people who waits, in order', async () => {
      const [, a, b, c] = await setUp(3);
      expect(await a.store.queue(KEY)).toEqual([]);
      await a.take(KEY);
      const waiting = [await b.wait(KEY), await c.wait(KEY), await b.wait(KEY)];

      const places = await a.store.queue(KEY);

      expect(places.map(({ token }) => token)).toEqual(waiting);
      const tickets = places.map(({ ticket }) => ticket);
      expect(tickets).toEqual([...tickets].sort((one, other) => one - other));
      await b.release(KEY, waiting[0]!);
      expect((await c.store.queue(KEY)).map(({ token }) => token)).toEqual(waiting.slice(1));
    });

    where('order')(
      'tells a waiter its place, its ticket and what is left of the lease',
      async () => {
        const [, a, b, c] = await setUp(3);
        await a.take(KEY, { ttl: 5000 });

        const first = queued(await b.queue(KEY, b.token()));
        const second = queued(await c.queue(KEY, c.token()));

        expect([first.rank, second.rank]).toEqual([0, 1]);
        expect(second.ticket).toBeGreaterThan(first.ticket);
        expect(first.leaseLeft).toBeGreaterThan(4000);
        expect(first.leaseLeft).toBeLessThanOrEqual(5000);
      },
    );

    where('order')('gives a waiter that returns with its ticket its old place', async () => {
      const [, a, b, c] = await setUp(3);
      await a.take(KEY);
      const early = b.token();
      const { ticket } = queued(await b.queue(KEY, early));
      await c.wait(KEY);
      await b.release(KEY, early);

      const again = queued(await b.queue(KEY, b.token(), { queue: { callers: 1, ticket } }));

      expect(again).toMatchObject({ rank: 0, ticket });
    });

    where('order')('takes a ticket of the future for one of this moment', async () => {
      const [, a, b, c] = await setUp(3);
      await a.take(KEY);
      const { ticket } = queued(await b.queue(KEY, b.token()));
      await b.queue(KEY, b.token(), { queue: { callers: 1, ticket: ticket + 60e6 } });

      const last = queued(await c.queue(KEY, c.token()));

      expect(last.rank).toBe(2);
    });

    where('order')(
      'lets nobody pass who only tries, in the moment of the release too',
      async () => {
        const [, a, b, c] = await setUp(3);
        const token = await a.take(KEY);
        const waiting = await b.wait(KEY);

        const [, tried] = await Promise.all([a.release(KEY, token), c.acquire(KEY, c.token())]);

        expect(tried.kind).toBe('busy');
        await holds(c, waiting);
      },
    );

    it('has one place for a token that asks twice', async () => {
      const [, a, b] = await setUp(2);
      const holder = await a.take(KEY);
      const waiting = b.token();
      const first = queued(await b.queue(KEY, waiting));

      const again = queued(await b.queue(KEY, waiting));

      expect(again.ticket).toBe(first.ticket);
      expect(again.rank).toBe(first.rank);
      await a.release(KEY, holder);
      await takenOver(b, KEY, waiting);
      await b.release(KEY, waiting);
      expect(await a.store.inspect(KEY)).toBeNull();
    });

    where('dead-waiters')('passes over a waiter whose process has gone', async () => {
      const [system, a, b, c] = await setUp(3);
      const token = await a.take(KEY);
      await b.wait(KEY);
      const alive = await c.wait(KEY);
      await system.leave(b);

      await a.release(KEY, token);

      await holds(a, alive);
    });
  });
}
