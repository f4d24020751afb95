import { describe, expect, it } from '@jest/globals';

import type { AcquireReply, PollReply } from '../../lib/engine/store/lock-store.js';
import { eventually } from '../support/eventually.js';
import { COMMAND_MS, type StoreParty } from './store-party.js';

/** The locks that one test uses, and the processes that use them. */
export interface StoreSystem {
  /** One more process. */
  join(): Promise<StoreParty>;
  /** That process ends, and everybody can know it. */
  leave(party: StoreParty): Promise<void>;
  /** Names of everything that is stored for these locks, but fence counters; `undefined`: can't be told. */
  leftovers(): Promise<string[]> | undefined;
}

/**
 * What a store may lack by its nature; tests of it have no meaning there.
 *
 * - `order`: one queue for all processes, so that the store itself knows who is first
 * - `pushes`: tells waiters unasked
 * - `told-holders`: tells a holder unasked, also one that did not wait for the lock
 * - `dead-waiters`: knows at the hand-over that a waiter's process has gone
 * - `one-place`: a lock is in one place, so that a release gives the next waiter the whole of it in
 *   the same step, and clears what a dead process left; else the waiter fetches the rest itself,
 *   and what is left at a place that it did not need ends by itself
 */
export type Ability = 'order' | 'pushes' | 'told-holders' | 'dead-waiters' | 'one-place';

type FiveParties = readonly [StoreParty, StoreParty, StoreParty, StoreParty, StoreParty];

/** Holds a store to the contract of the `LockStore` port: safety first, then order, then courtesy. */
export function describeLockStore(
  name: string,
  open: () => Promise<StoreSystem>,
  { lacks = [] }: { readonly lacks?: readonly Ability[] } = {},
): void {
  const where = (...needed: Ability[]): typeof it.skip =>
    needed.some((ability) => lacks.includes(ability)) ? it.skip : it;
  const KEY = 'order:7';
  const SHORT = 250;
  /** A lease that ends soon, but not before somebody has begun to wait for it. */
  const BRIEF = 600;

  /** `token` holds the lock: since the last step, or soon where handing over takes several. */
  async function holds(party: StoreParty, token: string): Promise<void> {
    const look = async (): Promise<void> =>
      expect(await party.store.inspect(KEY)).toMatchObject({ token });
    await (lacks.includes('one-place') ? eventually(look) : look());
  }

  /** A system with so many processes, up to five. */
  async function setUp(processes: number): Promise<readonly [StoreSystem, ...FiveParties]> {
    const system = await open();
    const parties: StoreParty[] = [];
    for (let i = 0; i < processes; i += 1) parties.push(await system.join());
    return [system, ...(parties as unknown as FiveParties)];
  }

  describe(name, () => {
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

    describe('fencing numbers', () => {
      it('rise with every grant, reserved blocks and renewals included', async () => {
        const [, a, b] = await setUp(2);
        const blocks: { next: number; last: number }[] = [];
        const token = a.token();
        blocks.push(held(await a.acquire(KEY, token, { fences: 17 })).fences);
        const more = await a.renew(KEY, token, { fences: 1000 });
        blocks.push((more as { fences: (typeof blocks)[0] }).fences);
        blocks.push(held(await a.acquire(KEY, token, { fences: 1 })).fences);
        const waiting = await b.wait(KEY, {}, { fences: 9 });
        await a.release(KEY, token);
        blocks.push((await takenOver(b, KEY, waiting)).fences);
        blocks.push(held(await b.poll(KEY, waiting)).fences);
        await b.release(KEY, waiting);
        blocks.push(held(await a.acquire(KEY, a.token())).fences);

        expect(blocks.map(({ next, last }) => last - next + 1)).toEqual([17, 1000, 1, 9, 9, 1]);
        for (const [i, block] of blocks.slice(1).entries())
          expect(block.next).toBeGreaterThan(blocks[i]!.last);
      });

      it('are not reserved by a renewal that asks for none', async () => {
        const [, a] = await setUp(1);
        const token = await a.take(KEY);

        const { fences } = (await a.renew(KEY, token)) as {
          fences: { next: number; last: number };
        };

        expect(fences.last).toBeLessThan(fences.next);
      });
    });

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
        const keys = Array.from({ length: 240 }, (_, i) => `mixed:${i}`);
        const tokens = await Promise.all(keys.map((key) => a.take(key)));
        const isLost = (i: number): boolean => i % 50 === 7;
        const isLate = (i: number): boolean => i % 50 === 8;
        const fences = (i: number): number => (i % 3 === 0 ? 2 : 0);
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

    describe('release', () => {
      it('answers "not-held" for a lock that is free, or that another has, and leaves it so', async () => {
        const [system, a, b] = await setUp(2);

        expect(await a.release(KEY, a.token())).toBe('not-held');
        expect((await system.leftovers()) ?? []).toEqual([]);
        const token = await b.take(KEY);
        expect(await a.release(KEY, a.token())).toBe('not-held');
        expect(await a.store.inspect(KEY)).toMatchObject({ token });
      });

      it('leaves nothing behind', async () => {
        const [system, a, b] = await setUp(2);
        const token = await a.take(KEY);
        const waiting = await b.wait(KEY);

        await a.release(KEY, token);
        await takenOver(b, KEY, waiting);
        await b.release(KEY, waiting);

        expect((await system.leftovers()) ?? []).toEqual([]);
      });

      where('one-place')(
        'leaves nothing of a process that died with callers of its own waiting',
        async () => {
          const [system, a, b] = await setUp(2);
          const dead = await a.take(KEY, { ttl: SHORT });
          await a.renew(KEY, dead, { ttl: SHORT, callers: 5 });

          await b.release(KEY, await eventually(() => b.take(KEY)));

          expect((await system.leftovers()) ?? []).toEqual([]);
        },
      );

      it('takes a waiting token out of the queue', async () => {
        const [system, a, b] = await setUp(2);
        const token = await a.take(KEY);
        const waiting = await b.wait(KEY);

        await b.release(KEY, waiting);

        expect((await b.poll(KEY, waiting)).kind).toBe('gone');
        expect((await a.store.inspect(KEY))!.waiters).toEqual(new Map());
        await a.release(KEY, token);
        const look = async (): Promise<void> => expect(await a.store.inspect(KEY)).toBeNull();
        await (lacks.includes('one-place') ? eventually(look) : look());
        expect((await system.leftovers()) ?? []).toEqual([]);
      });

      where('order')('of an unwanted grant hands over to the next', async () => {
        const [, a, b, c] = await setUp(3);
        const token = await a.take(KEY);
        const unwanted = await b.wait(KEY);
        const next = await c.wait(KEY);
        await a.release(KEY, token);
        await b.granted(unwanted);

        expect(await b.release(KEY, unwanted)).toBe('released');

        await c.granted(next);
        await holds(c, next);
      });
    });

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

    describe('a token that yields', () => {
      where('order')('gives the lock to the waiter and waits behind it, in one step', async () => {
        const [, a, b] = await setUp(2);
        const token = await a.take(KEY);
        const waiting = await b.wait(KEY);
        const again = a.token();

        const reply = await a.queue(KEY, again, { yields: token });

        expect(reply).toMatchObject({ kind: 'queued', yielded: true, rank: 0 });
        await holds(a, waiting);
        expect((await takenOver(b, KEY, waiting)).queue).toBe(1);
        await b.release(KEY, waiting);
        await holds(a, again);
      });

      where('one-place')('keeps the lock when its command comes after its time', async () => {
        const [, a, b] = await setUp(2);
        const token = await a.take(KEY);
        await b.wait(KEY);
        const until = performance.now() - 5000;

        const reply = await a.queue(KEY, a.token(), { yields: token, until });

        expect(reply.kind).toBe('stale');
        await holds(a, token);
        expect((await a.store.inspect(KEY))!.waiters).toEqual(new Map([[b.boot, 1]]));
        expect((await a.renew(KEY, token)).kind).toBe('held');
      });

      it('releases what it had when its command came after its time', async () => {
        const [system, a, b] = await setUp(2);
        const token = await a.take(KEY);
        const waiting = await b.wait(KEY);
        const until = performance.now() - 5000;
        expect((await a.queue(KEY, a.token(), { yields: token, until })).kind).toBe('stale');

        expect(await a.release(KEY, token)).toBe('released');

        await takenOver(b, KEY, waiting);
        await b.release(KEY, waiting);
        expect((await system.leftovers()) ?? []).toEqual([]);
      });

      it('sent again after a renewal, leaves the new lease as long as that made it', async () => {
        const [, a] = await setUp(1);
        const token = await a.take(KEY);
        const again = a.token();
        await a.queue(KEY, again, { yields: token });
        await a.renew(KEY, again, { ttl: 30_000 });

        expect((await a.queue(KEY, again, { yields: token, ttl: 500 })).kind).toBe('held');

        expect((await a.store.inspect(KEY))!.leaseLeft).toBeGreaterThan(10_000);
      });

      it('gets the lock back when nobody waits', async () => {
        const [, a] = await setUp(1);
        const token = await a.take(KEY);
        const again = a.token();

        const reply = await a.queue(KEY, again, { yields: token });

        expect(reply).toMatchObject({ kind: 'held', yielded: true });
        expect(await a.store.inspect(KEY)).toMatchObject({ token: again });
      });

      it('is told when it had lost the lock, and only waits then', async () => {
        const [, a, b] = await setUp(2);
        const lost = await a.take(KEY);
        await b.store.revoke(KEY);
        const other = await b.take(KEY);

        const reply = await a.queue(KEY, a.token(), { yields: lost });

        expect(reply).toMatchObject({ kind: 'queued', yielded: false });
        expect(await a.store.inspect(KEY)).toMatchObject({ token: other });
      });
    });

    describe('release with a minHoldLeft', () => {
      it('keeps the lock from everybody for that long, and nobody holds it', async () => {
        const [system, a, b] = await setUp(2);
        const token = await a.take(KEY);
        const releasedAt = performance.now();

        expect(await a.release(KEY, token, 600)).toBe('released');

        expect(await a.store.inspect(KEY)).toMatchObject({ token: undefined });
        expect((await b.acquire(KEY, b.token())).kind).toBe('busy');
        expect((await a.acquire(KEY, a.token())).kind).toBe('busy');
        expect((await a.renew(KEY, token)).kind).toBe('lost');
        expect(await a.release(KEY, token)).toBe('not-held');
        await eventually(async () => expect(await a.store.inspect(KEY)).toBeNull());
        expect(performance.now() - releasedAt).toBeGreaterThan(595);
        expect((await system.leftovers()) ?? []).toEqual([]);
      });

      it('shortens a lease that is longer', async () => {
        const [, a] = await setUp(1);
        const token = await a.take(KEY, { ttl: 30_000 });

        await a.release(KEY, token, 500);

        expect((await a.store.inspect(KEY))!.leaseLeft).toBeLessThanOrEqual(500);
      });

      it('lets who waits have the lock afterwards', async () => {
        const [, a, b] = await setUp(2);
        const token = await a.take(KEY);
        const waiting = await b.wait(KEY);

        await a.release(KEY, token, 600);

        expect((await b.poll(KEY, waiting)).kind).toBe('queued');
        await eventually(async () => expect((await b.poll(KEY, waiting)).kind).toBe('held'));
      });

      where('pushes')('tells the first waiter when to ask', async () => {
        const [, a, b, c] = await setUp(3);
        const token = await a.take(KEY);
        const waiting = await b.wait(KEY);
        await c.wait(KEY);

        await a.release(KEY, token, 5000);

        await eventually(() => expect(b.rechecks).toEqual([{ token: waiting, inMs: 5000 }]));
        expect(c.rechecks).toEqual([]);
      });
    });

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

    describe('inspect', () => {
      it('tells the holder, the lease and nobody waiting', async () => {
        const [, a, b] = await setUp(2);
        const token = await a.take(KEY, { ttl: 5000 });

        const seen = await b.store.inspect(KEY);

        expect(seen).toMatchObject({ token, waiters: new Map() });
        expect(seen!.leaseLeft).toBeGreaterThan(4000);
        expect(seen!.leaseLeft).toBeLessThanOrEqual(5000);
      });

      where('order')('counts waiting callers by process, as last reported', async () => {
        const [, a, b, c] = await setUp(3);
        const token = await a.take(KEY);
        const many = await b.wait(KEY, { queue: { callers: 1234 } });
        await c.wait(KEY, { queue: { callers: 2 } });
        await a.renew(KEY, token, { callers: 5 });

        const counted = async () => (await a.store.inspect(KEY))!.waiters;

        const all = [
          [a.boot, 5],
          [b.boot, 1234],
          [c.boot, 2],
        ] as const;
        expect(await counted()).toEqual(new Map(all));
        await b.store.poll({
          key: KEY,
          token: many,
          until: performance.now() + COMMAND_MS,
          callers: 3,
        });
        expect((await counted()).get(b.boot)).toBe(3);
        await b.release(KEY, many);
        expect((await counted()).has(b.boot)).toBe(false);
      });

      it('changes nothing', async () => {
        const [system, a] = await setUp(1);

        expect(await a.store.inspect(KEY)).toBeNull();

        expect((await system.leftovers()) ?? []).toEqual([]);
      });
    });

    describe('keys', () => {
      it('lists what is locked, by glob, and nothing else', async () => {
        const [, a, b] = await setUp(2);
        const names = ['order:1', 'order:2', 'order:10', 'stock:1', 'a*b', 'axb', 'with\nnewline'];
        for (const name of names) await a.take(name);
        await b.wait('order:1');
        const list = async (match: string): Promise<string[]> => {
          const found = new Set<string>();
          for await (const page of b.store.keys(match)) for (const key of page) found.add(key);
          return [...found].sort();
        };

        expect(await list('*')).toEqual([...names].sort());
        expect(await list('order:?')).toEqual(['order:1', 'order:2']);
        expect(await list('order:[1-9]')).toEqual(['order:1', 'order:2']);
        expect(await list('order:[^1]')).toEqual(['order:2']);
        expect(await list('a\\*b')).toEqual(['a*b']);
        expect(await list('a*b')).toEqual(['a*b', 'axb']);
        expect(await list('with*')).toEqual(['with\nnewline']);
        expect(await list('nothing*')).toEqual([]);
      });

      it('shows no lock that was released', async () => {
        const [, a] = await setUp(1);
        await a.release(KEY, await a.take(KEY));

        for await (const page of a.store.keys('*')) expect(page).toEqual([]);
      });
    });

    describe('any command, twice (I6)', () => {
      /** Everything that can be seen of the lock but the lease's length. */
      function picture(system: StoreSystem, party: StoreParty): Promise<unknown> {
        return eventually(async () => {
          const holder = await party.store.inspect(KEY);
          const stored = (await system.leftovers())?.sort();
          const isUnderway = holder === null && stored !== undefined && stored.length > 0;
          if (lacks.includes('one-place') && isUnderway)
            throw new Error('A hand-over is under way.');
          return { holder: holder?.token, waiters: holder?.waiters, stored };
        });
      }

      const situations = {
        'a free lock': async () => undefined,
        'the caller’s own lock': async (_b: StoreParty, mine: () => Promise<unknown>) => mine(),
        'a busy lock': async (b: StoreParty) => b.take(KEY),
        'a busy lock that somebody waits for': async (b: StoreParty, _: unknown, c: StoreParty) => {
          await b.take(KEY);
          await c.wait(KEY);
        },
        'the caller’s own lock that somebody waits for': async (
          b: StoreParty,
          mine: () => Promise<unknown>,
        ) => {
          await mine();
          await b.wait(KEY);
        },
        'the caller’s own place in the queue': async (
          b: StoreParty,
          mine: () => Promise<unknown>,
          c: StoreParty,
        ) => {
          await b.take(KEY);
          await mine();
          await c.wait(KEY);
        },
      };
      const commands = {
        acquire: (a: StoreParty, token: string) => a.acquire(KEY, token),
        'acquire that waits': (a: StoreParty, token: string) => a.queue(KEY, token),
        'acquire that yields': async (a: StoreParty, token: string, next: string) =>
          a.queue(KEY, next, { yields: token }),
        poll: (a: StoreParty, token: string) => a.poll(KEY, token),
        renew: (a: StoreParty, token: string) => a.renew(KEY, token, { fences: 5, callers: 2 }),
        release: (a: StoreParty, token: string) => a.release(KEY, token),
        'release with a minHoldLeft': (a: StoreParty, token: string) =>
          a.release(KEY, token, 30_000),
      };

      for (const [command, run] of Object.entries(commands)) {
        for (const [situation, prepare] of Object.entries(situations)) {
          it(`${command} changes nothing but the lease the second time, at ${situation}`, async () => {
            const [system, a, b, c] = await setUp(3);
            const [token, next] = [a.token(), a.token()];
            await prepare(b, () => a.queue(KEY, token), c);
            await run(a, token, next);
            const once = await picture(system, c);

            await run(a, token, next);

            expect(await picture(system, c)).toEqual(once);
          });
        }
      }
    });
  });
}

/** The reply of one who has the lock; fails for any other. */
function held(reply: AcquireReply | PollReply): Extract<AcquireReply, { kind: 'held' }> {
  if (reply.kind !== 'held') throw new Error(`The lock was expected to be held: ${reply.kind}.`);
  return reply;
}

/** The reply of one who waits; fails for any other. */
function queued(reply: AcquireReply | PollReply): Extract<AcquireReply, { kind: 'queued' }> {
  if (reply.kind !== 'queued') throw new Error(`A place was expected: ${reply.kind}.`);
  return reply;
}

/** The waiter's grant: by push, or by a poll where nothing is pushed. */
async function takenOver(
  party: StoreParty,
  key: string,
  token: string,
): Promise<{ fences: { next: number; last: number }; queue: number }> {
  return eventually(async () => {
    const grant = party.grants.find((one) => one.token === token);
    return grant ?? held(await party.poll(key, token));
  });
}
