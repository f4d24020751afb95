import { describe, expect, it } from '@jest/globals';
import { array, assert, asyncProperty, boolean, constantFrom, nat, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';

import { SHARED } from '../../lib/engine/api/capacity.js';
import { isLockError } from '../../lib/engine/api/errors.js';
import { TokenMint } from '../../lib/engine/store/token.js';
import { acquireSet, LockModel } from './kinds-model.js';
import { memorySide, redisSide, type Side } from './model-sides.js';
import { COMMAND_MS, type StoreParty } from './store-party.js';

const PARTIES = 3;
const KEYS = ['a', 'b', 'c'] as const;
const RUNS = 40;
const LONG_MS = 120_000;
/** Longer than a run takes. */
const CLAIM = 9999;
const CAPACITIES = [1, 1, SHARED, 2];

const steps = array(
  record({
    what: constantFrom(
      ...(['set', 'set', 'set', 'again', 'queue'] as const),
      ...(['release', 'release', 'release', 'expire'] as const),
    ),
    party: nat(PARTIES - 1),
    /** Which keys, and of the tokens which. */
    pick: nat(999),
    capacity: constantFrom(...CAPACITIES),
    twice: boolean(),
  }),
  { minLength: 10, maxLength: 50 },
);
type Step = (typeof steps extends Arbitrary<infer T> ? T : never)[number];
type Locks = readonly { readonly key: string; readonly token: string }[];

/** One run: the locks as they should be, and what has been asked for. */
interface Play {
  readonly side: Side;
  readonly mints: readonly TokenMint[];
  readonly models: ReadonlyMap<string, LockModel>;
  readonly tokens: { readonly key: string; readonly token: string; readonly party: number }[];
  /** Sets of which nothing has been given back. */
  sets: { readonly locks: Locks; readonly party: number }[];
}

describe('several locks in one step', () => {
  it.each([
    ['Redis', redisSide],
    ['memory', memorySide],
  ])(
    'are all taken or none in %s, as the plain model says, whatever is sent twice',
    async (_name, open) => {
      const mints = Array.from({ length: PARTIES }, () => new TokenMint());
      const side = await open(mints);
      let run = 0;
      await assert(
        asyncProperty(steps, async (all) => {
          run += 1;
          const models = new Map(KEYS.map((key) => [`${key}${run}`, new LockModel()]));
          const play: Play = { side, mints, models, tokens: [], sets: [] };
          for (const step of all) await take(play, step);
          await tidyUp(play);
        }),
        { numRuns: RUNS },
      );
      expect(await side.leftovers()).toEqual([]);
    },
    LONG_MS,
  );
});

async function take(play: Play, step: Step): Promise<void> {
  const command = commandOf(play, step);
  if (command === undefined) return;
  const expected = command.model();
  const keepAlive = (): Promise<unknown> =>
    Promise.all([...play.models.keys()].map((key) => play.side.keepAlive(key)));
  const got = await command.store();
  await keepAlive();
  expect({ step, got }).toEqual({ step, got: expected });
  // The second answer may be of a lock that went on meanwhile; the state may not.
  if (step.twice && step.what !== 'expire') await command.store();
  await keepAlive();
  for (const [key, model] of play.models)
    expect({ step, key, seen: await play.side.holders(key) }).toEqual({
      ...{ step, key, seen: [...model.holders].sort() },
    });
}

function commandOf(
  play: Play,
  { what, party, pick, capacity }: Step,
): { model: () => unknown; store: () => Promise<unknown> } | undefined {
  const { side, models, tokens } = play;
  const names = [...models.keys()];
  const one = names[pick % names.length] as string;
  switch (what) {
    case 'set': {
      const several = names.filter((name) => pick % 4 === 0 || name !== one);
      const locks = several.map((key) => ({ key, token: fresh(play, party, key, capacity) }));
      play.sets.push({ locks, party });
      return setOf(play, party, locks);
    }
    case 'again': {
      const earlier = play.sets[pick % Math.max(1, play.sets.length)];
      return earlier && setOf(play, earlier.party, earlier.locks);
    }
    case 'queue': {
      const token = fresh(play, party, one, capacity);
      const ask = () => (side.parties[party] as StoreParty).queue(one, token);
      return { model: () => modelOf(play, one).acquire(token, true), store: () => kindOf(ask()) };
    }
    case 'release': {
      const mine = tokens[pick % Math.max(1, tokens.length)];
      if (mine === undefined) return undefined;
      play.sets = play.sets.filter(({ locks }) => locks.every(({ token }) => token !== mine.token));
      const holder = side.parties[mine.party] as StoreParty;
      return {
        model: () => modelOf(play, mine.key).release(mine.token),
        store: () => holder.release(mine.key, mine.token),
      };
    }
    case 'expire':
      break;
  }
  return { model: () => modelOf(play, one).expire(), store: () => side.expire(one) };
}

function setOf(
  play: Play,
  party: number,
  locks: Locks,
): { model: () => unknown; store: () => Promise<unknown> } {
  const models = locks.map(({ key, token }) => ({ model: modelOf(play, key), token }));
  const { store } = play.side.parties[party] as StoreParty;
  const command = { locks, ttl: 30_000, until: performance.now() + COMMAND_MS };
  return {
    model: () => acquireSet(models),
    store: () => kindOf(store.sets!.acquire(command)),
  };
}

function fresh({ mints, tokens }: Play, party: number, key: string, capacity: number): string {
  const token = (mints[party] as TokenMint).next(CLAIM, 1, '', capacity);
  tokens.push({ key, token, party });
  return token;
}

function modelOf({ models }: Play, key: string): LockModel {
  return models.get(key) as LockModel;
}

async function kindOf(reply: Promise<{ kind: string }>): Promise<string> {
  try {
    return (await reply).kind;
  } catch (error) {
    if (isLockError(error, 'LOCK_CONFIG')) return 'conflict';
    throw error;
  }
}

/** Everybody gives everything back; then nothing may be left. */
async function tidyUp({ side, tokens }: Play): Promise<void> {
  for (const { key, token, party } of tokens) await side.parties[party]?.release(key, token);
}
