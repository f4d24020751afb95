import { describe, expect } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { COMMAND_MS } from './store-party.js';
import type { StoreParty } from './store-party.js';
import { KEY } from './store-system.js';
import type { Contract, StoreSystem } from './store-system.js';

/** A command that arrives twice. */
export function describeIdempotence({ setUp, lacks, where }: Contract): void {
  describe('any command, twice (I6)', () => {
    /** Everything that can be seen of the lock but the lease's length. */
    function picture(system: StoreSystem, party: StoreParty): Promise<unknown> {
      return eventually(async () => {
        const holder = await party.store.inspect(KEY);
        const stored = (await system.leftovers())?.sort();
        const isUnderway = holder === null && stored !== undefined && stored.length > 0;
        if (lacks.includes('one-place') && isUnderway) throw new Error('A hand-over is under way.');
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
      move: async (a: StoreParty, token: string, next: string) =>
        a.store.move?.({
          ...{ key: KEY, from: token, to: next, ttl: 30_000, beside: false },
          until: performance.now() + COMMAND_MS,
        }),
      renew: (a: StoreParty, token: string) => a.renew(KEY, token, { fences: 5, callers: 2 }),
      release: (a: StoreParty, token: string) => a.release(KEY, token),
      'release with a minHoldLeft': (a: StoreParty, token: string) => a.release(KEY, token, 30_000),
    };

    for (const [command, run] of Object.entries(commands)) {
      const it = command === 'move' ? where('moves') : where();
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
}
