import { expect, it } from '@jest/globals';

import type { AcquireReply, PollReply } from '../../lib/engine/store/lock-store.js';
import { eventually } from '../support/eventually.js';
import type { StoreParty } from './store-party.js';

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
 * - `kinds`: shared locks, semaphores, and several locks in one step
 * - `moves`: puts one holder's token in the place of another's in one step
 */
export type Ability =
  'order' | 'pushes' | 'told-holders' | 'dead-waiters' | 'one-place' | 'kinds' | 'moves';

type FiveParties = readonly [StoreParty, StoreParty, StoreParty, StoreParty, StoreParty];

/** The lock of most tests. */
export const KEY = 'order:7';
/** A lease that ends soon. */
export const SHORT = 250;
/** A lease that ends soon, but not before somebody has begun to wait for it on a busy machine. */
export const BRIEF = 2000;

/** One store under the contract: how its systems are opened, and what it lacks. */
export class Contract {
  readonly #open: () => Promise<StoreSystem>;

  constructor(
    open: () => Promise<StoreSystem>,
    readonly lacks: readonly Ability[],
  ) {
    this.#open = open;
  }

  /** `it`, where the store has these abilities. */
  readonly where = (...needed: Ability[]): typeof it.skip =>
    needed.some((ability) => this.lacks.includes(ability)) ? it.skip : it;

  /** `token` holds the lock: since the last step, or soon where handing over takes several. */
  readonly holds = async (party: StoreParty, token: string): Promise<void> => {
    const look = async (): Promise<void> =>
      expect(await party.store.inspect(KEY)).toMatchObject({ token });
    await (this.lacks.includes('one-place') ? eventually(look) : look());
  };

  /** A system with so many processes, up to five. */
  readonly setUp = async (processes: number): Promise<readonly [StoreSystem, ...FiveParties]> => {
    const system = await this.#open();
    const parties: StoreParty[] = [];
    for (let i = 0; i < processes; i += 1) parties.push(await system.join());
    return [system, ...(parties as unknown as FiveParties)];
  };
}

/** The reply of one who has the lock; fails for any other. */
export function held(reply: AcquireReply | PollReply): Extract<AcquireReply, { kind: 'held' }> {
  if (reply.kind !== 'held') throw new Error(`The lock was expected to be held: ${reply.kind}.`);
  return reply;
}

/** The reply of one who waits; fails for any other. */
export function queued(reply: AcquireReply | PollReply): Extract<AcquireReply, { kind: 'queued' }> {
  if (reply.kind !== 'queued') throw new Error(`A place was expected: ${reply.kind}.`);
  return reply;
}

/** The waiter's grant: by push, or by a poll where nothing is pushed. */
export async function takenOver(
  party: StoreParty,
  key: string,
  token: string,
): Promise<{ fences: { next: number; last: number }; queue: number }> {
  return eventually(async () => {
    const grant = party.grants.find((one) => one.token === token);
    return grant ?? held(await party.poll(key, token));
  });
}
