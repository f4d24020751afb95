import { describe, expect, it } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { KEY, held, takenOver } from './store-system.js';
import type { Contract } from './store-system.js';

/** What a waiter is given, and what the holder is told of those that wait. */
export function describeGrants({ setUp, where, holds }: Contract): void {
  describe('a grant', () => {
    where('pushes')('is pushed with all that its waiter needs', async () => {
      const [, a, b, c] = await setUp(3);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY, {}, { fences: 17, ttl: 1500 });
      await c.wait(KEY);

      const before = performance.now();
      await a.release(KEY, token);
      const grant = await b.granted(waiting);

      expect(grant).toMatchObject({ key: KEY, token: waiting, queue: 1 });
      expect(grant.fences.last - grant.fences.next + 1).toBe(17);
      expect(grant.expiresAt).toBeGreaterThan(before + 1500 * 0.5);
      expect(grant.expiresAt).toBeLessThanOrEqual(performance.now() + 1500);
      expect((await a.store.inspect(KEY))!.leaseLeft).toBeLessThanOrEqual(1500);
    });

    where('pushes')('goes to the waiter alone', async () => {
      const [, a, b, c] = await setUp(3);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);
      await c.wait(KEY);

      await a.release(KEY, token);
      await b.granted(waiting);
      // Pushes to one process keep their order: what is told next is told last.
      await b.release(KEY, waiting);
      await eventually(() => expect(c.grants).toHaveLength(1));

      expect(b.grants).toHaveLength(1);
      expect(a.grants).toHaveLength(0);
    });

    where('order')('has a lease of two seconds at most, until it is renewed', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY, { ttl: 30_000 });

      await a.release(KEY, token);
      await holds(a, waiting);

      expect((await a.store.inspect(KEY))!.leaseLeft).toBeLessThanOrEqual(2000);
      expect((await b.renew(KEY, waiting, { ttl: 30_000 })).kind).toBe('held');
      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(25_000);
    });

    it('found by a poll after a renewal keeps the lease as long as that made it', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);
      await a.release(KEY, token);
      await takenOver(b, KEY, waiting);
      await b.renew(KEY, waiting, { ttl: 30_000 });

      held(await b.poll(KEY, waiting));

      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(10_000);
    });

    it('that was lost is found by a poll', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY, {}, { fences: 3 });
      await a.release(KEY, token);

      const reply = held(await b.poll(KEY, waiting));

      // A vote that was pushed meanwhile tells what was left of it then.
      expect(reply.lease).toBeGreaterThan(1500);
      expect(reply.lease).toBeLessThanOrEqual(2000);
      expect(reply.fences.last - reply.fences.next + 1).toBe(3);
    });

    where('order')('that nobody takes ends by itself, and the next is served', async () => {
      const [, a, b, c] = await setUp(3);
      const token = await a.take(KEY);
      const dead = await b.wait(KEY, {}, { ttl: 150 });
      const next = await c.wait(KEY);
      await a.release(KEY, token);
      await b.granted(dead);

      await eventually(async () => expect((await c.poll(KEY, next)).kind).toBe('held'));

      expect((await b.poll(KEY, dead)).kind).toBe('gone');
    });
  });

  describe('wanted', () => {
    where('told-holders', 'order')(
      'is told to the holder when the first begins to wait',
      async () => {
        const [, a, b, c] = await setUp(3);
        const token = await a.take(KEY);

        await b.wait(KEY);
        await c.wait(KEY);
        await eventually(() => expect(a.wanted).not.toHaveLength(0));
        // The next push to the same process comes after all before it.
        await a.store.revoke(KEY);
        await eventually(() => expect(a.revoked).toEqual([token]));

        expect(a.wanted).toEqual([{ token, queue: 1 }]);
      },
    );

    where('told-holders', 'order')(
      'tells how many are left when the first one leaves',
      async () => {
        const [, a, b, c, d] = await setUp(4);
        const token = await a.take(KEY);
        const first = await b.wait(KEY);
        const second = await c.wait(KEY);
        const third = await d.wait(KEY);
        await eventually(() => expect(a.wanted).toEqual([{ token, queue: 1 }]));

        await d.release(KEY, third);
        await b.release(KEY, first);
        await eventually(() => expect(a.wanted.at(-1)).toEqual({ token, queue: 1 }));
        await c.release(KEY, second);

        await eventually(() => expect(a.wanted.at(-1)).toEqual({ token, queue: 0 }));
        expect(a.wanted).toHaveLength(3);
      },
    );
  });
}
