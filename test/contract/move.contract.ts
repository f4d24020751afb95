import { describe, expect } from '@jest/globals';

import { EXCLUSIVE, SHARED } from '../../lib/engine/api/capacity.js';
import type { MoveCommand, MoveReply } from '../../lib/engine/store/move.js';
import { eventually } from '../support/eventually.js';
import { COMMAND_MS } from './store-party.js';
import type { StoreParty } from './store-party.js';
import { KEY, SHORT, held, queued } from './store-system.js';
import type { Contract } from './store-system.js';

/** A lock that goes from one token to another, in one step. */
export function describeMove({ setUp, where }: Contract): void {
  const it = where('moves');
  const itTold = where('moves', 'told-holders');

  function move(
    party: StoreParty,
    from: string,
    to: string,
    more: Partial<MoveCommand> = {},
  ): Promise<MoveReply> {
    const until = performance.now() + COMMAND_MS;
    const command = { key: KEY, from, to, ttl: 30_000, until, beside: false, ...more };
    return party.store.move!(command);
  }

  async function tokens(party: StoreParty): Promise<string[]> {
    const stored = await party.store.inspect(KEY);
    const several = stored?.several?.holders.map(({ token }) => token);
    return several?.sort() ?? (stored?.token === undefined ? [] : [stored.token]);
  }

  describe.each([
    ['an exclusive lock', EXCLUSIVE],
    ['a permit', 2],
    ['a shared lock', SHARED],
  ])('moving %s', (_name, capacity) => {
    async function enter(party: StoreParty, ttl = 30_000): Promise<string> {
      const token = party.token({ capacity });
      held(await party.queue(KEY, token, { ttl }));
      return token;
    }

    it('makes the other token its holder, and the first one nobody', async () => {
      const [system, a, b] = await setUp(2);
      const from = await enter(a);
      const to = b.token({ capacity });

      expect(await move(b, from, to)).toMatchObject({ kind: 'held', queue: 0 });

      expect(await tokens(a)).toEqual([to]);
      expect((await a.renew(KEY, from)).kind).toBe('lost');
      expect(await a.release(KEY, from)).toBe('not-held');
      expect((await b.renew(KEY, to)).kind).toBe('held');
      expect(await b.release(KEY, to)).toBe('released');
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    it('happens once: the next one finds nobody', async () => {
      const [, a, b, c] = await setUp(3);
      const from = await enter(a);
      const [first, second] = [b.token({ capacity }), c.token({ capacity })];
      await move(b, from, first);

      expect((await move(c, from, second)).kind).toBe('lost');

      expect(await tokens(a)).toEqual([first]);
    });

    it('is done when it is sent again, whatever was lost of the first answer', async () => {
      const [, a, b] = await setUp(2);
      const from = await enter(a);
      const to = b.token({ capacity });
      const first = await move(b, from, to);

      const again = await move(b, from, to);

      expect((first as { leaseLeft: number }).leaseLeft).toBeGreaterThan(20_000);
      expect(again).toMatchObject({ kind: 'held', queue: 0 });
      expect((again as { leaseLeft?: number }).leaseLeft).toBeUndefined();
      expect(await tokens(a)).toEqual([to]);
    });

    it('gives a lease of its own length, never a shorter one', async () => {
      const [, a, b] = await setUp(2);
      const from = await enter(a, 5000);
      const next = b.token({ capacity });
      await move(b, from, next, { ttl: 30_000 });
      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(20_000);

      const last = a.token({ capacity });
      const reply = await move(a, next, last, { ttl: 500 });

      expect((reply as { leaseLeft: number }).leaseLeft).toBeGreaterThan(10_000);
      expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(10_000);
    });

    it('does nothing once the lease is over', async () => {
      const [system, a, b] = await setUp(2);
      const from = await enter(a, SHORT);
      await eventually(async () => expect(await a.store.inspect(KEY)).toBeNull());

      expect((await move(b, from, b.token({ capacity }))).kind).toBe('lost');

      expect(await b.store.inspect(KEY)).toBeNull();
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    it('does nothing for a token that has given the lock back, minHold or not', async () => {
      const [, a, b] = await setUp(2);
      const from = await enter(a);
      await a.release(KEY, from, 30_000);

      expect((await move(b, from, b.token({ capacity }))).kind).toBe('lost');
    });

    it('does nothing after its time', async () => {
      const [, a, b] = await setUp(2);
      const from = await enter(a);
      await b.poll(KEY, b.token());

      const late = await move(b, from, b.token({ capacity }), { until: performance.now() - 5000 });

      expect(late.kind).toBe('stale');
      expect(await tokens(b)).toEqual([from]);
    });

    itTold('takes the lock’s notes to its holder with it', async () => {
      const [, a, b, c] = await setUp(3);
      const from = await enter(a);
      const to = b.token({ capacity });
      await move(b, from, to);

      await c.store.revoke(KEY);

      await eventually(() => expect(b.revoked).toEqual([to]));
      expect(a.revoked).toEqual([]);
    });
  });

  describe('moving a lock that somebody waits for', () => {
    it('leaves the waiters their places', async () => {
      const [, a, b, c, d] = await setUp(4);
      const from = await a.take(KEY);
      const waiting = [await c.wait(KEY), await d.wait(KEY)];
      const to = b.token();

      expect(await move(b, from, to)).toMatchObject({ kind: 'held', queue: 2 });
      await b.release(KEY, to);

      await c.granted(waiting[0]!);
      await c.release(KEY, waiting[0]!);
      await d.granted(waiting[1]!);
    });

    it('leaves as many permits as there were', async () => {
      const [, a, b, c] = await setUp(3);
      const permits = [a.token({ capacity: 2 }), a.token({ capacity: 2 })];
      for (const permit of permits) held(await a.queue(KEY, permit));
      const waits = c.token({ capacity: 2 });
      queued(await c.queue(KEY, waits));
      const to = b.token({ capacity: 2 });
      await move(b, permits[0]!, to);
      expect((await c.poll(KEY, waits)).kind).toBe('queued');

      await b.release(KEY, to);

      await c.granted(waits);
      expect(await tokens(a)).toEqual([permits[1]!, waits].sort());
    });
  });

  describe('a shared lock of which one of several callers goes', () => {
    it('is held by both tokens from then on, each for its own lease', async () => {
      const [, a, b] = await setUp(2);
      const stays = a.token({ capacity: SHARED });
      held(await a.queue(KEY, stays));
      const goes = b.token({ capacity: SHARED });

      expect((await move(a, stays, goes, { beside: true })).kind).toBe('held');
      expect((await move(a, stays, goes, { beside: true })).kind).toBe('held');

      expect(await tokens(b)).toEqual([stays, goes].sort());
      await a.release(KEY, stays);
      expect((await b.acquire(KEY, b.token())).kind).toBe('busy');
      expect(await b.release(KEY, goes)).toBe('released');
      expect(await b.store.inspect(KEY)).toBeNull();
    });
  });
}
