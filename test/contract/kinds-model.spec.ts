import { describe, expect, it } from '@jest/globals';
import { array, assert, asyncProperty, boolean, constantFrom, nat, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';

import { SHARED } from '../../lib/engine/api/capacity.js';
import { isLockError } from '../../lib/engine/api/errors.js';
import type { LockStore } from '../../lib/engine/store/lock-store.js';
import { capacityIn, TokenMint } from '../../lib/engine/store/token.js';
import { systemClock } from '../../lib/engine/time/clock.js';
import { MemoryLockStore } from '../../lib/memory/memory-lock.store.js';
import { MemorySpace } from '../../lib/memory/memory-space.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { afterTest } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { LockModel } from './kinds-model.js';
import { COMMAND_MS, StoreParty } from './store-party.js';

const PARTIES = 3;
const RUNS = 40;
const LONG_MS = 120_000;
/** Longer than a run takes. */
const CLAIM = 9999;

/** One implementation under test. */
interface Side {
  readonly parties: readonly StoreParty[];
  /** The leases of all holders end, as if their processes had died long ago. */
  expire(key: string): Promise<void>;
  leftovers(): Promise<string[]>;
}

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
      if (i === 0) expect({ step, got }).toEqual({ step, got: expected });
    }
    expect({ step, seen: await holders(side, key) }).toEqual({
      step,
      seen: [...model.holders].sort(),
    });
  }
  await tidyUp(side, model, key);
}

function commandOf(
  { what, party: index }: Step,
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
      const beside = capacityIn(token) === SHARED && token.length % 2 === 0;
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

async function holders(side: Side, key: string): Promise<string[]> {
  const stored = await (side.parties[0] as StoreParty).store.inspect(key);
  if (stored?.several !== undefined) return stored.several.holders.map(({ token }) => token).sort();
  return stored?.token === undefined ? [] : [stored.token];
}

/** Everybody gives everything back; then nothing may be left. */
async function tidyUp(side: Side, model: LockModel, key: string): Promise<void> {
  const [party] = side.parties;
  for (const token of [...model.queue, ...model.holders]) await party?.release(key, token);
  for (let left = await holders(side, key); left.length > 0; left = await holders(side, key))
    for (const token of left) await party?.release(key, token);
}

async function memorySide(mints: readonly TokenMint[]): Promise<Side> {
  const space = new MemorySpace(systemClock);
  const parties = mints.map((mint) => open(mint, new MemoryLockStore(mint.boot, space)));
  return { parties, expire: async (key) => space.free(key), leftovers: async () => space.keys() };
}

async function redisSide(mints: readonly TokenMint[]): Promise<Side> {
  const keyPrefix = uniquePrefix();
  const client = openClient(sharedRedisUrl());
  const parties = mints.map((mint) => {
    const options = { keyPrefix, commandTimeout: 10_000, boot: mint.boot, clock: systemClock };
    return open(mint, openRedisStore(sharedRedisUrl(), options));
  });
  const channels = mints.map(({ boot }) => `${keyPrefix}!g:${boot}`);
  await eventually(async () => {
    const counts = await client.pubsub('NUMSUB', ...channels);
    expect(counts.filter((count) => count === 1)).toHaveLength(PARTIES);
  });
  return {
    parties,
    // What is left of the set of holders may be older than the lock.
    expire: async (key) => void (await client.del(keyPrefix + key)),
    leftovers: async () =>
      (await client.keys(`${keyPrefix}*`)).filter(
        (key) => key !== `${keyPrefix}!fence` && !key.startsWith(`${keyPrefix}!h:`),
      ),
  };
}

function open(mint: TokenMint, store: LockStore): StoreParty {
  afterTest(() => store.close());
  return new StoreParty(mint, store);
}
