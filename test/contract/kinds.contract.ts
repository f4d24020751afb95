import { describe, expect } from '@jest/globals';

import { EXCLUSIVE, SHARED } from '../../lib/engine/api/capacity.js';
import { SIGN_MS } from '../../lib/engine/store/lock-queue.js';
import type { AcquireCommand, AcquireReply } from '../../lib/engine/store/lock-store.js';
import { eventually } from '../support/eventually.js';
import type { StoreParty } from './store-party.js';
import { BRIEF, KEY, SHORT, held, queued, takenOver } from './store-system.js';
import type { Contract } from './store-system.js';

/** Locks that several may hold beside each other. */
export function describeKinds({ setUp, where }: Contract): void {
  const it = where('kinds');
  const itDead = where('kinds', 'dead-waiters');
  const itTold = where('kinds', 'told-holders');
  const THREE = 3;

  /** A token of this capacity, and what it was answered. */
  async function ask(
    party: StoreParty,
    capacity: number,
    more: Partial<AcquireCommand> = {},
  ): Promise<[token: string, reply: AcquireReply]> {
    const token = party.token({ capacity });
    return [token, await party.queue(KEY, token, more)];
  }

  async function enter(party: StoreParty, capacity: number, ttl = 30_000): Promise<string> {
    const [token, reply] = await ask(party, capacity, { ttl });
    held(reply);
    return token;
  }

  async function wait(party: StoreParty, capacity: number): Promise<string> {
    const [token, reply] = await ask(party, capacity);
    queued(reply);
    return token;
  }

  async function tokens(party: StoreParty): Promise<string[]> {
    const stored = await party.store.inspect(KEY);
    const several = stored?.several?.holders.map(({ token }) => token);
    return several?.sort() ?? (stored?.token === undefined ? [] : [stored.token]);
  }

  describe('a shared lock', () => {
    it('is held by any number beside each other, by nobody else', async () => {
      const [, a, b, c] = await setUp(3);
      const readers = [await enter(a, SHARED), await enter(b, SHARED), await enter(b, SHARED)];

      expect(await tokens(c)).toEqual(readers.sort());
      expect((await c.acquire(KEY, c.token())).kind).toBe('busy');
      expect((await b.store.inspect(KEY))!.several!.capacity).toBe(SHARED);
    });

    it('gives each holder a fencing number of its own, larger than those before', async () => {
      const [, a, b] = await setUp(2);
      const [, first] = await ask(a, SHARED);
      const [, second] = await ask(b, SHARED);

      expect(held(second).fences.next).toBeGreaterThan(held(first).fences.last);
    });

    it('keeps later readers behind a writer that waits, and lets them in together after it', async () => {
      const [, a, b, c, d] = await setUp(4);
      const reader = await enter(a, SHARED);
      const writer = await wait(b, EXCLUSIVE);
      const later = [await wait(c, SHARED), await wait(d, SHARED)];

      await a.release(KEY, reader);
      await b.granted(writer);
      expect(await tokens(a)).toEqual([writer]);
      await b.release(KEY, writer);

      await Promise.all([c.granted(later[0]!), d.granted(later[1]!)]);
      expect(await tokens(a)).toEqual(later.sort());
    });

    it('lets readers in beside readers once the writer before them gives up', async () => {
      const [, a, b, c] = await setUp(3);
      await enter(a, SHARED);
      const writer = await wait(b, EXCLUSIVE);
      const reader = await wait(c, SHARED);

      await b.release(KEY, writer);

      await c.granted(reader);
      expect(await tokens(a)).toContain(reader);
    });

    it('asks a writer in front of readers for a sign of life, which it gives by a poll', async () => {
      const [, a, b, c] = await setUp(3);
      await enter(a, SHARED);
      const writer = await wait(b, EXCLUSIVE);
      const [reader, place] = await ask(c, SHARED);

      expect(queued(place).pollIn).toBe(SIGN_MS);
      expect(queued(place).leaseLeft).toBeGreaterThan(20_000);
      // Each at least once: a place in the line of a Cluster can take two commands.
      for (let asked = 0, round = 1; round <= 3; round += 1) {
        await eventually(() => expect(b.rechecks.length).toBeGreaterThan(asked));
        asked = b.rechecks.length;
        queued(await b.poll(KEY, writer));
        queued(await c.poll(KEY, reader));
      }
      expect(b.rechecks[0]).toEqual({ token: writer, inMs: 0 });
    });

    it('lets readers pass a writer that gives no sign of life, which keeps its place', async () => {
      const [, a, b, c] = await setUp(3);
      const first = await enter(a, SHARED);
      const [writer, place] = await ask(b, EXCLUSIVE);
      const reader = await wait(c, SHARED);

      await eventually(async () => held(await c.poll(KEY, reader)));

      expect((await b.poll(KEY, writer)).kind).toBe('gone');
      const queue = { callers: 1, ticket: queued(place).ticket };
      const again = queued(await b.queue(KEY, b.token(), { queue }));
      expect(again).toMatchObject({ rank: 0, ticket: queue.ticket });
      await a.release(KEY, first);
    });

    itDead('lets a reader pass a writer whose process has gone, at once', async () => {
      const [system, a, b, c] = await setUp(3);
      await enter(a, SHARED);
      await wait(b, EXCLUSIVE);
      await system.leave(b);
      const [reader, place] = await ask(c, SHARED);

      expect(queued(place).pollIn).toBe(0);
      held(await c.poll(KEY, reader));
    });

    itTold('tells its holders that a writer waits, and that it has gone', async () => {
      const [, a, b, c] = await setUp(3);
      const readers = [await enter(a, SHARED), await enter(b, SHARED)];
      const writer = await wait(c, EXCLUSIVE);

      for (const [i, party] of [a, b].entries())
        await eventually(() => expect(party.wanted).toEqual([{ token: readers[i], queue: 1 }]));
      await c.release(KEY, writer);
      for (const party of [a, b])
        await eventually(() => expect(party.wanted.at(-1)?.queue).toBe(0));
    });

    it('is held by each for its own lease; who crashes costs no more than that', async () => {
      const [, a, b, c] = await setUp(3);
      const crashed = await enter(a, SHARED, SHORT);
      const reader = await enter(b, SHARED, 30_000);
      const writer = await wait(c, EXCLUSIVE);

      await eventually(async () => expect(await tokens(b)).toEqual([reader]));
      expect(await a.renew(KEY, crashed)).toMatchObject({ kind: 'lost' });
      expect((await b.renew(KEY, reader)).kind).toBe('held');
      expect(await b.release(KEY, reader)).toBe('released');
      await c.granted(writer);
    });

    it('is free once the leases of all have ended', async () => {
      const [, a, b] = await setUp(2);
      await enter(a, SHARED, BRIEF);

      const writer = await wait(b, EXCLUSIVE);

      await eventually(async () => expect((await b.poll(KEY, writer)).kind).toBe('held'));
      expect(await tokens(b)).toEqual([writer]);
    });

    it('leaves nothing behind', async () => {
      const [system, a, b] = await setUp(2);
      const readers = [await enter(a, SHARED), await enter(b, SHARED)];

      expect(await a.release(KEY, readers[0]!)).toBe('released');
      expect(await a.release(KEY, readers[0]!)).toBe('not-held');
      expect(await b.release(KEY, readers[1]!)).toBe('released');

      expect((await system.leftovers()) ?? []).toEqual([]);
    });
  });

  describe('a semaphore', () => {
    it('is held by as many as it has permits; the next gets the one that comes free', async () => {
      const [, a, b, c] = await setUp(3);
      const holders = [await enter(a, THREE), await enter(a, THREE), await enter(b, THREE)];
      const next = await wait(c, THREE);
      expect((await c.acquire(KEY, c.token({ capacity: THREE }))).kind).toBe('busy');

      await a.release(KEY, holders[1]!);

      await c.granted(next);
      expect(await tokens(c)).toEqual([holders[0]!, holders[2]!, next].sort());
    });

    it('tells who waits for a permit when the first of the leases ends', async () => {
      const [, a, b] = await setUp(2);
      await enter(a, 2, 20_000);
      await enter(a, 2, 5000);

      const [, reply] = await ask(b, 2);

      expect(queued(reply).leaseLeft).toBeGreaterThan(4000);
      expect(queued(reply).leaseLeft).toBeLessThanOrEqual(5000);
    });

    it('gives the permits of crashed holders to those that wait', async () => {
      const [, a, b, c] = await setUp(3);
      await enter(a, 2, BRIEF);
      await enter(a, 2, BRIEF);
      const waiting = [await wait(b, 2), await wait(c, 2)];

      await takenOver(b, KEY, waiting[0]!);
      await takenOver(c, KEY, waiting[1]!);

      expect(await tokens(c)).toEqual(waiting.sort());
    });

    it('keeps a permit from everybody for the rest of a minHold', async () => {
      const [, a, b] = await setUp(2);
      await enter(a, 2);
      const early = await enter(a, 2);

      expect(await a.release(KEY, early, BRIEF)).toBe('released');
      expect(await a.release(KEY, early, BRIEF)).toBe('not-held');

      const next = await wait(b, 2);
      await eventually(async () => expect((await b.poll(KEY, next)).kind).toBe('held'));
    });

    it('tells the first waiter when the first permit comes free', async () => {
      const [, a, b] = await setUp(2);
      const early = [await enter(a, 2), await enter(a, 2)];
      const next = await wait(b, 2);

      await a.release(KEY, early[0]!, 5000);
      await a.release(KEY, early[1]!, 9000);

      await eventually(() => expect(b.rechecks).toHaveLength(2));
      for (const { token, inMs } of b.rechecks) {
        expect(token).toBe(next);
        expect(inMs).toBeLessThanOrEqual(5000);
      }
    });

    it('hands on a permit whose minHold is over when another is kept for its own', async () => {
      const [, a, b] = await setUp(2);
      const ending = await enter(a, THREE);
      const [kept] = [await enter(a, THREE), await enter(a, THREE)];
      const next = await wait(b, THREE);
      await a.release(KEY, ending, BRIEF);
      // Whoever has none reads and changes nothing.
      await eventually(async () => expect(await tokens(a)).toHaveLength(2));

      await a.release(KEY, kept, 30_000);

      await b.granted(next);
    });

    it('hands a permit on in the step in which it is yielded, and queues anew', async () => {
      const [, a, b, c] = await setUp(3);
      const held2 = [await enter(a, 2), await enter(b, 2)];
      const next = await wait(c, 2);

      const again = a.token({ capacity: 2 });
      const reply = await a.queue(KEY, again, { yields: held2[0]! });

      expect(reply).toMatchObject({ kind: 'queued', yielded: true, rank: 0 });
      await c.granted(next);
      expect(await tokens(c)).toEqual([held2[1]!, next].sort());
    });

    it.each([
      [2, THREE],
      [EXCLUSIVE, THREE],
      [SHARED, THREE],
      [THREE, EXCLUSIVE],
      [THREE, SHARED],
    ])(
      'of %d does not get along with a newcomer of %d, and leaves nothing of it',
      async (one, other) => {
        const [system, a, b] = await setUp(2);
        await enter(a, one);
        const before = await system.leftovers();

        await expect(ask(b, other)).rejects.toMatchObject({ code: 'LOCK_CONFIG', keys: [KEY] });

        expect(await system.leftovers()).toEqual(before);
      },
    );
  });

  describe('an operator', () => {
    itTold('takes a lock from all that hold it, and the next enter', async () => {
      const [, a, b, c] = await setUp(3);
      const readers = [await enter(a, SHARED), await enter(b, SHARED)];
      const writer = await wait(c, EXCLUSIVE);

      expect(await c.store.revoke(KEY)).toBe(true);

      await c.granted(writer);
      await eventually(() => expect(a.revoked).toEqual([readers[0]]));
      await eventually(() => expect(b.revoked).toEqual([readers[1]]));
      expect(await a.renew(KEY, readers[0]!)).toMatchObject({ kind: 'lost' });
    });

    it('ends the rest of a minHold of permits', async () => {
      const [system, a] = await setUp(1);
      await a.release(KEY, await enter(a, 2), 30_000);

      expect(await a.store.revoke(KEY)).toBe(true);

      expect((await system.leftovers()) ?? []).toEqual([]);
    });
  });
}
