import { describe, expect } from '@jest/globals';

import { EXCLUSIVE, SHARED } from '../../lib/engine/api/capacity.js';
import type { SetReply } from '../../lib/engine/store/set-store.js';
import { eventually } from '../support/eventually.js';
import { COMMAND_MS, type StoreParty } from './store-party.js';
import { held, queued, SHORT } from './store-system.js';
import type { Contract } from './store-system.js';

/** In a Cluster the locks of a set share a slot. */
const [A, B, C] = ['{set}a', '{set}b', '{set}c'];

interface Asked {
  readonly tokens: readonly string[];
  readonly again: () => Promise<SetReply>;
  readonly reply: SetReply;
}

/** Several locks in one step. */
export function describeSets({ setUp, where }: Contract): void {
  const it = where('kinds');

  async function ask(
    party: StoreParty,
    keys: readonly string[],
    { capacity = EXCLUSIVE, ttl = 30_000, until = performance.now() + COMMAND_MS } = {},
  ): Promise<Asked> {
    const locks = keys.map((key) => ({ key, token: party.token({ capacity }) }));
    const again = (): Promise<SetReply> => party.store.sets!.acquire({ locks, ttl, until });
    return { tokens: locks.map(({ token }) => token), again, reply: await again() };
  }

  async function holder(party: StoreParty, key: string): Promise<string | undefined> {
    const stored = await party.store.inspect(key);
    return stored?.token ?? stored?.several?.holders[0]?.token;
  }

  describe('a set of locks', () => {
    it('is taken when all are free, each by its own token, with one fencing number for all', async () => {
      const [system, a, b] = await setUp(2);
      const before = held(await b.acquire(C, b.token())).fences.last;

      const { reply, tokens } = await ask(a, [A, B]);

      expect(reply.kind).toBe('held');
      const { fence } = reply as Extract<SetReply, { kind: 'held' }>;
      expect(fence).toBeGreaterThan(before);
      for (const [i, key] of [A, B].entries()) {
        expect(await holder(b, key)).toBe(tokens[i]);
        expect((await a.renew(key, tokens[i]!)).kind).toBe('held');
        expect(await a.release(key, tokens[i]!)).toBe('released');
      }
      const later = held(await b.acquire(A, b.token()));
      expect(later.fences.next).toBeGreaterThan(fence);
      await b.store.revoke(A);
      await b.store.revoke(C);
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    it('is not taken when one is held: names it and its holder, and leaves nothing', async () => {
      const [system, a, b] = await setUp(2);
      const token = await b.take(B, { ttl: 20_000 });
      const before = await system.leftovers();

      const { reply } = await ask(a, [A, B, C]);

      expect(reply).toMatchObject({ kind: 'busy', key: B, holder: token });
      expect((reply as { leaseLeft: number }).leaseLeft).toBeGreaterThan(15_000);
      expect(await system.leftovers()).toEqual(before);
      expect(await holder(a, A)).toBeUndefined();
    });

    it('is not taken when somebody waits for one that is free, who gets it', async () => {
      const [, a, b, c] = await setUp(3);
      await b.take(B, { ttl: SHORT });
      const waits = c.token();
      queued(await c.queue(B, waits));
      await eventually(async () => expect(await holder(c, B)).toBeUndefined());

      const { reply } = await ask(a, [A, B]);

      expect(reply).toMatchObject({ kind: 'busy', key: B });
      await c.granted(waits);
      expect(await holder(a, A)).toBeUndefined();
    });

    it('joins holders of its own kind as long as there is room', async () => {
      const [, a, b, c] = await setUp(3);
      for (const [capacity, rooms] of [
        [SHARED, 3],
        [2, 2],
      ] as const) {
        const all: Asked[] = [];
        for (const party of [a, b, c]) all.push(await ask(party, [A, B], { capacity }));
        expect(all.filter(({ reply }) => reply.kind === 'held')).toHaveLength(rooms);
        for (const key of [A, B]) await a.store.revoke(key);
      }
    });

    it('of another kind than a holder is refused, and leaves nothing', async () => {
      const [system, a, b] = await setUp(2);
      held(await b.acquire(B, b.token({ capacity: 3 })));
      const before = await system.leftovers();

      const refused = expect(ask(a, [A, B], { capacity: 2 })).rejects;
      await refused.toMatchObject({ code: 'LOCK_CONFIG', keys: [B] });

      expect(await system.leftovers()).toEqual(before);
    });

    it('asked for twice is the same set, with a lease that is no shorter', async () => {
      const [system, a, b] = await setUp(2);
      const { again, tokens } = await ask(a, [A, B], { capacity: SHARED });
      const once = (await system.leftovers())?.sort();

      expect((await again()).kind).toBe('held');

      expect((await system.leftovers())?.sort()).toEqual(once);
      for (const [i, key] of [A, B].entries()) {
        expect(await b.store.inspect(key)).toMatchObject({
          several: { holders: [{ token: tokens[i] }] },
        });
      }
    });

    it('asked for twice of which one is gone by then gives back the rest', async () => {
      const [system, a, b] = await setUp(2);
      const { again } = await ask(a, [A, B, C]);
      await b.store.revoke(B);
      const theirs = await b.take(B);

      expect(await again()).toMatchObject({ kind: 'busy', key: B, holder: theirs });

      for (const key of [A, C]) expect(await holder(b, key)).toBeUndefined();
      await b.release(B, theirs);
      expect((await system.leftovers()) ?? []).toEqual([]);
    });

    it('asked for too late does nothing', async () => {
      const [system, a, b] = await setUp(2);
      await b.take(C);
      await b.renew(C, 'none');
      const before = await system.leftovers();

      const { reply } = await ask(a, [A, B], { until: performance.now() - 1000 });

      expect(reply.kind).toBe('stale');
      expect(await system.leftovers()).toEqual(before);
    });

    it('hands each lock on when it is released', async () => {
      const [, a, b] = await setUp(2);
      const { tokens } = await ask(a, [A, B]);
      const waits = b.token();
      queued(await b.queue(B, waits));

      await Promise.all([a.release(B, tokens[1]!), a.release(A, tokens[0]!)]);

      await b.granted(waits);
      expect(await holder(b, A)).toBeUndefined();
    });
  });
}
