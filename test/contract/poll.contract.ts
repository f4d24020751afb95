import { describe, expect, it } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { BRIEF, KEY, held, queued } from './store-system.js';
import type { Contract } from './store-system.js';

/** Asking for a lock that one waits for. */
export function describePoll({ setUp, where }: Contract): void {
  describe('poll', () => {
    it('answers "gone" for a token without lock and place', async () => {
      const [system, a, b] = await setUp(2);

      expect((await a.poll(KEY, a.token())).kind).toBe('gone');
      await b.take(KEY);
      expect((await a.poll(KEY, a.token())).kind).toBe('gone');
      expect((await b.store.inspect(KEY))!.waiters).toEqual(new Map());
      expect((await system.leftovers()) ?? ['']).toHaveLength(1);
    });

    where('order')('keeps the place', async () => {
      const [, a, b, c] = await setUp(3);
      await a.take(KEY);
      const first = await b.wait(KEY);
      const second = c.token();
      const { ticket } = queued(await c.queue(KEY, second));

      expect(await c.poll(KEY, second)).toMatchObject({ kind: 'queued', rank: 1, ticket });
      expect(await b.poll(KEY, first)).toMatchObject({ kind: 'queued', rank: 0 });
    });

    it('takes the lock of a holder that has gone without a release', async () => {
      const [, a, b] = await setUp(2);
      await a.take(KEY, { ttl: BRIEF });
      const waiting = await b.wait(KEY);

      const reply = await eventually(async () => held(await b.poll(KEY, waiting)));

      expect(reply.lease).toBe(2000);
      expect(await a.store.inspect(KEY)).toMatchObject({ token: waiting });
    });

    where('order')('of another waiter serves the one that is first', async () => {
      const [, a, b, c] = await setUp(3);
      await a.take(KEY, { ttl: BRIEF });
      const first = await b.wait(KEY);
      const second = await c.wait(KEY);

      await eventually(async () => {
        expect(await c.poll(KEY, second)).toMatchObject({ kind: 'queued', rank: 0 });
        expect(await c.store.inspect(KEY)).toMatchObject({ token: first });
      });

      await b.granted(first);
    });

    it('does not act after its time', async () => {
      const [, a, b] = await setUp(2);
      await a.take(KEY, { ttl: BRIEF });
      const waiting = await b.wait(KEY);
      await eventually(async () => expect(await a.store.inspect(KEY)).toBeNull());

      const reply = await b.poll(KEY, waiting, performance.now() - 5000);

      expect(reply.kind).toBe('stale');
      expect(await a.store.inspect(KEY)).toBeNull();
    });
  });
}
