import { describe, expect, it } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { KEY, takenOver } from './store-system.js';
import type { Contract } from './store-system.js';

/** Taking a lock from its holder. */
export function describeRevoke({ setUp, where, holds }: Contract): void {
  describe('revoke', () => {
    it('answers false when nobody holds the lock', async () => {
      const [system, a] = await setUp(1);

      expect(await a.store.revoke(KEY)).toBe(false);
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    it('takes the lock from its holder', async () => {
      const [system, a, b] = await setUp(2);
      const token = await a.take(KEY);

      expect(await b.store.revoke(KEY)).toBe(true);

      expect(await b.store.inspect(KEY)).toBeNull();
      expect((await a.renew(KEY, token)).kind).toBe('lost');
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    where('told-holders')('tells who lost it, and hands over to the next', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);

      await b.store.revoke(KEY);

      await eventually(() => expect(a.revoked).toEqual([token]));
      await b.granted(waiting);
      await holds(a, waiting);
    });

    it('ends a minHoldLeft', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY);
      const waiting = await b.wait(KEY);
      await a.release(KEY, token, 30_000);

      expect(await a.store.revoke(KEY)).toBe(true);

      await takenOver(b, KEY, waiting);
      expect(a.revoked).toEqual([]);
    });
  });
}
