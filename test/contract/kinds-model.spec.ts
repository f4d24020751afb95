import { describe, expect, it } from '@jest/globals';
import { array, assert, asyncProperty, boolean, constantFrom, nat, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';

import { SHARED } from '../../lib/engine/api/capacity.js';
import { isLockError } from '../../lib/engine/api/errors.js';
import { capacityIn, TokenMint } from '../../lib/engine/store/token.js';
import { LockModel } from './kinds-model.js';
import { memorySide, redisSide, type Side } from './model-sides.js';
import { COMMAND_MS, type StoreParty } from './store-party.js';

const PARTIES = 3;
const RUNS = 40;
const LONG_MS = 120_000;
/** Longer than a run takes. */
const CLAIM = 9999;

const KINDS = { 'exclusive and shared': [1, SHARED, SHARED], 'a semaphore': [2, 2, 2] };

const steps = array(
  record({
    what: constantFrom(
      ...(['acquire', 'queue', 'queue', 'queue', 'yield', 'poll', 'renew', 'move'] as const),
      ...(['release', 'release', 'release', 'revoke', 'expire'] as const),
    ),
    party: nat(PARTIES - 1),
    kind: nat(2),
    /** Which of the process' earlier tokens of that kind, the latest first. */
    age: constantFrom(0, 0, 0, 1, 2),
    twice: boolean(),
    /** Whether a reader that moves leaves its first token in place. */
    beside: boolean(),
  }),
  { minLength: 10, maxLength: 50 },
);
type Step = (typeof steps extends Arbitrary<infer T> ? T : never)[number];

describe.each(Object.entries(KINDS))('a lock, used as %s', (_name, capacities) => {
  it.each([
    ['Redis', redisSide],
    ['memory', memorySide],
  ])(
    'is held and waited for in %s as the plain model says, whatever is sent twice',
    async (_side, open) => {
      const mints = Array.from({ length: PARTIES }, () => new TokenMint());
      const side = await open(mints);
      let run = 0;
      await assert(
        asyncProperty(steps, async (all) => {
          run += 1;
          await play(side, mints, `k${run}`, all, capacities);
        }),
        { numRuns: RUNS },
      );
      expect(await side.leftovers()).toEqual([]);
    },
    LONG_MS,
  );
});

async function play(
  side: Side,
  mints: readonly TokenMint[],
  key: string,
  all: readonly Step[],
  capacities: readonly number[],
): Promise<void> {
  const model = new LockModel();
  const made = new Map<string, string[]>();
  for (const step of all) {
    const capacity = capacities[step.kind] as number;
    const tokens = made.get(`${step.party}:${capacity}`) ?? [];
    made.set(`${step.party}:${capacity}`, tokens);
    const next = (): string => {
      tokens.unshift((mints[step.party] as TokenMint).next(CLAIM, 1, '', capacity));
      return tokens[0] as string;
    };
    const token = tokens[step.age] ?? next();
    const command = commandOf(step, side, model, key, token, next);
    const expected = await command.model();
    // A second call of these is another one: it finds the next holder.
    const again = step.twice && step.what !== 'revoke' && step.what !== 'expire';
    for (let i = 0; i < (again ? 2 : 1); i += 1) {
      const got = await command.store();
      // Sent again it finds its work done; what it was answered first is what counts.
      await side.keepAlive(key);
      if (i === 0) expect({ step, got }).toEqual({ step, got: expected });
    }
    expect({ step, seen: await side.holders(key) }).toEqual({
      step,
      seen: [...model.holders].sort(),
    });
  }
  await tidyUp(side, model, key);
}

function commandOf(
  { what, party: index, beside: stays }: Step,
  side: Side,
  model: LockModel,
  key: string,
  token: string,
  next: () => string,
): { model: () => unknown; store: () => Promise<unknown> } {
  const party = side.parties[index] as StoreParty;
  switch (what) {
    case 'acquire':
    case 'queue': {
      // A token that was given back is never used again.
      const fresh = model.holders.includes(token) || model.queue.includes(token) ? token : next();
      const waits = what === 'queue';
      const ask = waits ? () => party.queue(key, fresh) : () => party.acquire(key, fresh);
      return { model: () => model.acquire(fresh, waits), store: () => kindOf(ask()) };
    }
    case 'yield': {
      const fresh = next();
      // What only waits has nothing to yield.
      const yields = model.queue.includes(token) ? undefined : token;
      return {
        model: () => model.yield(token, fresh),
        store: () => kindOf(party.queue(key, fresh, { yields })),
      };
    }
    case 'move': {
      const to = next();
      const beside = stays && capacityIn(token) === SHARED;
      const command = { key, from: token, to, ttl: 30_000, beside };
      const until = (): number => performance.now() + COMMAND_MS;
      return {
        model: () => model.move(token, to, beside),
        store: () => kindOf(party.store.move!({ ...command, until: until() })),
      };
    }
    case 'poll':
      return { model: () => model.poll(token), store: () => kindOf(party.poll(key, token)) };
    case 'renew':
      return { model: () => model.renew(token), store: () => kindOf(party.renew(key, token)) };
    case 'release':
      return { model: () => model.release(token), store: () => party.release(key, token) };
    case 'revoke':
      return { model: () => model.revoke(), store: () => party.store.revoke(key) };
    case 'expire':
      break;
  }
  return { model: () => model.expire(), store: () => side.expire(key) };
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
async function tidyUp(side: Side, model: LockModel, key: string): Promise<void> {
  const [party] = side.parties;
  for (const token of [...model.queue, ...model.holders]) await party?.release(key, token);
  for (let left = await side.holders(key); left.length > 0; left = await side.holders(key))
    for (const token of left) await party?.release(key, token);
}
