import { describe, expect, it } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { BRIEF, KEY, SHORT, held, takenOver } from './store-system.js';
import type { Contract } from './store-system.js';

/** A holder that had the lock has it no more: its lease ended, or another was given it. */
export function describeLeases({ setUp, where }: Contract): void {
  describe('after the lease has ended', () => {
    it('gives the lock to another, with a larger fencing number', async () => {
      const [, a, b] = await setUp(2);
      const first = held(await a.acquire(KEY, a.token(), { ttl: SHORT, fences: 5 }));

      const second = await eventually(async () => held(await b.acquire(KEY, b.token())));

      expect(second.fences.next).toBeGreaterThan(first.fences.last);
    });

    it('lets the old holder neither renew nor release; the new one can', async () => {
      const [, a, b] = await setUp(2);
      const old = await a.take(KEY, { ttl: SHORT });
      const fresh = await eventually(() => b.take(KEY));

      expect((await a.renew(KEY, old)).kind).toBe('lost');
      expect(await a.release(KEY, old)).toBe('not-held');
      expect(await a.release(KEY, old, 5000)).toBe('not-held');
      expect(await b.store.inspect(KEY)).toMatchObject({ token: fresh });
      expect((await b.renew(KEY, fresh)).kind).toBe('held');
      expect(await b.release(KEY, fresh)).toBe('released');
    });

    it('does not bring a lease back by a renewal, though nobody took the lock', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY, { ttl: SHORT });
      await eventually(async () => expect(await a.store.inspect(KEY)).toBeNull());

      expect((await a.renew(KEY, token)).kind).toBe('lost');
      expect(await a.store.inspect(KEY)).toBeNull();
    });

    where('order')('gives it to the waiter that is first, not to a newcomer', async () => {
      const [, a, b, c] = await setUp(3);
      await a.take(KEY, { ttl: BRIEF });
      const waiting = await b.wait(KEY);

      const reply = await eventually(async () => {
        const answer = await c.acquire(KEY, c.token());
        expect(await c.store.inspect(KEY)).toMatchObject({ token: waiting });
        return answer;
      });

      expect(reply.kind).toBe('busy');
      await b.granted(waiting);
    });
  });

  describe('after a hand-over', () => {
    it('lets the old holder neither renew nor release; the new one can', async () => {
      const [, a, b] = await setUp(2);
      const old = await a.take(KEY);
      const fresh = await b.wait(KEY);
      expect(await a.release(KEY, old)).toBe('released');
      await takenOver(b, KEY, fresh);

      expect((await a.renew(KEY, old)).kind).toBe('lost');
      expect(await a.release(KEY, old)).toBe('not-held');
      expect((await a.poll(KEY, old)).kind).toBe('gone');
      expect(await a.store.inspect(KEY)).toMatchObject({ token: fresh });
      expect((await b.renew(KEY, fresh)).kind).toBe('held');
      expect(await b.release(KEY, fresh)).toBe('released');
      expect(await b.store.inspect(KEY)).toBeNull();
    });

    it('lets the ousted holder neither renew nor release; the new one can', async () => {
      const [, a, b] = await setUp(2);
      const old = await a.take(KEY);
      const fresh = await b.wait(KEY);
      expect(await b.store.revoke(KEY)).toBe(true);
      await takenOver(b, KEY, fresh);

      expect((await a.renew(KEY, old)).kind).toBe('lost');
      expect(await a.release(KEY, old)).toBe('not-held');
      expect((await b.renew(KEY, fresh)).kind).toBe('held');
    });
  });
}
