import { describe, expect, it } from '@jest/globals';
import { array, assert, asyncProperty, boolean, constantFrom, nat, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { Redis } from 'ioredis';

import { SHARED } from '../../lib/engine/api/capacity.js';
import { isLockError } from '../../lib/engine/api/errors.js';
import type { FenceBlock, LockStore } from '../../lib/engine/store/lock-store.js';
import type { StoredLock } from '../../lib/engine/store/stored-lock.js';
import { TokenMint } from '../../lib/engine/store/token.js';
import { systemClock } from '../../lib/engine/time/clock.js';
import { LockKeys } from '../../lib/redis/keys/lock-keys.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { RedisLockStore } from '../../lib/redis/store/redis-lock.store.js';
import { REFERENCE_SCRIPTS } from '../simulation/reference-scripts.js';
import { afterTest } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { chooseSeed } from '../support/random.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { keepAlive, LONG_AFTER } from './model-sides.js';
import { ReferenceServer, ReferenceServers } from './reference-servers.js';
import { StoreParty } from './store-party.js';

const PARTIES = 3;
const RUNS = 30;
const LONG_MS = 180_000;
/** Longer than a run takes. */
const CLAIM = 9999;
/** Exclusive beside shared, a semaphore, and kinds that never get along. */
const CAPACITIES = [
  [1, 1, 1],
  [1, SHARED, SHARED],
  [2, 2, 2],
  [1, 2, SHARED],
];

const steps = array(
  record({
    what: constantFrom(
      ...(['try', 'queue', 'queue', 'queue', 'yield', 'poll', 'renew', 'move', 'raise'] as const),
      ...(['release', 'release', 'release', 'minHoldLeft', 'revoke', 'line', 'expire'] as const),
      ...(['set', 'set', 'inspect'] as const),
    ),
    party: nat(PARTIES - 1),
    /** Which lock; a set takes all. */
    lock: constantFrom(0, 0, 0, 1),
    kind: nat(2),
    /** Which of the process' earlier tokens, the latest first. */
    age: constantFrom(0, 0, 0, 1, 2),
    fences: constantFrom(0, 1, 5),
    isNew: boolean(),
  }),
  { minLength: 5, maxLength: 40 },
);
type Step = (typeof steps extends Arbitrary<infer T> ? T : never)[number];

/** One of the two, with the same processes. */
interface Side {
  readonly parties: readonly StoreParty[];
  /** What is kept of a lock, without times. */
  look(key: string): Promise<unknown>;
  /** Those that wait live on, however long a busy machine takes for the next step. */
  keepAlive(key: string): Promise<void>;
  expire(key: string): Promise<void>;
}

describe('the reference that the simulation trusts', () => {
  it.each(CAPACITIES.map((capacities) => ({ capacities: capacities.join(', '), all: capacities })))(
    'does what the scripts do in Redis, whatever runs twice, for capacities $capacities',
    async ({ all: capacities }) => {
      const seed = chooseSeed();
      console.log(`SEED=${seed}`);
      const mints = Array.from({ length: PARTIES }, () => new TokenMint());
      const keyPrefix = uniquePrefix();
      const redis = await redisSide(mints, keyPrefix);
      const reference = referenceSide(mints, keyPrefix);
      let run = 0;
      await assert(
        asyncProperty(steps, async (all) => {
          run += 1;
          const keys = [`k${run}`, `k${run}, too`];
          const script = planned(all, mints, capacities);
          for (const [i, step] of script.entries()) {
            const told = `step ${i}: ${JSON.stringify(step)}`;
            const expected = await play(redis, keys, step);
            expect({ told, ...(await play(reference, keys, step)) }).toEqual({ told, ...expected });
          }
        }),
        { numRuns: RUNS, seed },
      );
      expect([...reference.ran].sort()).toEqual(Object.keys(REFERENCE_SCRIPTS).sort());
      for (const [i, party] of redis.parties.entries())
        await eventually(() => expect(pushes(reference.parties[i]!)).toEqual(pushes(party)));
    },
    LONG_MS,
  );
});

/** What a process was told unasked, without times. */
function pushes({ grants, wanted, revoked, doubts, rechecks }: StoreParty): unknown {
  const granted = grants.map(({ key, token, queue }) => ({ key, token, queue }));
  return { granted, wanted, revoked, doubts, rechecks: rechecks.map(({ token }) => token) };
}

interface Planned extends Step {
  readonly token: string;
  readonly fresh: string;
  /** A set's, of each lock. */
  readonly tokens: readonly string[];
}

/** Gives each step its tokens, the same for both sides. */
function planned(
  all: readonly Step[],
  mints: readonly TokenMint[],
  capacities: readonly number[],
): Planned[] {
  const made = new Map<string, string[]>();
  return all.map((step) => {
    const capacity = capacities[step.kind]!;
    const mint = (): string =>
      mints[step.party]!.next(CLAIM, Math.max(1, step.fences), '', capacity);
    const [mine, others] = [step.lock, 1 - step.lock].map((lock) => {
      const name = `${step.party}:${capacity}:${lock}`;
      made.set(name, made.get(name) ?? []);
      return made.get(name)!;
    }) as [string[], string[]];
    const asks = ['try', 'queue', 'yield', 'set'].includes(step.what);
    const old = mine[step.age] ?? mint();
    const fresh = mint();
    if (asks || step.what === 'move') mine.unshift(step.isNew || step.what !== 'try' ? fresh : old);
    const other = (step.isNew ? undefined : others[step.age]) ?? mint();
    if (step.what === 'set') others.unshift(other);
    const own = step.isNew ? fresh : old;
    return { ...step, token: old, fresh, tokens: step.lock === 0 ? [own, other] : [other, own] };
  });
}

/** What a step answers, each of the two times that it runs, and what is kept then. */
async function play(
  side: Side,
  keys: readonly string[],
  step: Planned,
): Promise<{ answers: unknown[]; kept: unknown[] }> {
  const answers = [];
  for (let time = 0; time < 2; time += 1) {
    answers.push(withoutTimes(await run(side, keys, step)));
    for (const key of keys) await side.keepAlive(key);
  }
  return { answers, kept: await Promise.all(keys.map((key) => side.look(key))) };
}

async function run(side: Side, keys: readonly string[], step: Planned): Promise<unknown> {
  const { what, party: index, lock, token, fresh, fences, isNew, tokens } = step;
  const key = keys[lock]!;
  const party = side.parties[index]!;
  const asked = isNew ? fresh : token;
  const block = { fences: Math.max(1, fences) };
  try {
    switch (what) {
      case 'try':
        return await party.acquire(key, asked, block);
      case 'queue':
        return await party.queue(key, asked, block);
      case 'yield':
        return await party.queue(key, fresh, { ...block, yields: token });
      case 'poll':
        return await party.poll(key, token);
      case 'renew':
        return await party.renew(key, token, { fences, callers: fences });
      case 'set': {
        const locks = keys.map((name, i) => ({ key: name, token: tokens[i]! }));
        return await party.store.sets!.acquire({ locks, ttl: 30_000, until: inTime() });
      }
      case 'move': {
        const until = inTime();
        return await party.store.move?.({
          key,
          from: token,
          to: fresh,
          ttl: 30_000,
          until,
          beside: isNew,
        });
      }
      case 'raise':
        return await (party.store as RedisLockStore).raise(key, token, 1);
      case 'release':
        return await party.release(key, token);
      case 'minHoldLeft':
        return await party.release(key, token, 20_000);
      case 'revoke':
        return await party.store.revoke(key);
      case 'line':
        return await party.store.queue(key);
      case 'inspect':
        return shown(await party.store.inspect(key));
      case 'expire':
        break;
    }
  } catch (error) {
    if (isLockError(error, 'LOCK_CONFIG')) return { refused: error.message };
    throw error;
  }
  return side.expire(key);
}

/** After which moment a command must not act: none is so late. */
function inTime(): number {
  return performance.now() + 20_000;
}

/** Who holds a lock, for how many tens of seconds, and who waits. */
function shown(lock: StoredLock | null): unknown {
  if (lock === null) return null;
  const { token, several, waiters } = lock;
  const left = (leaseLeft: number): number => Math.round(leaseLeft / 10_000);
  const beside = several?.holders.map((one) => `${one.token} ${left(one.leaseLeft)}`).sort();
  const waiting = Object.fromEntries(waiters);
  return { token, left: left(lock.leaseLeft), capacity: several?.capacity, beside, waiting };
}

function withoutTimes(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(({ token }: { token: string }) => token);
  if (typeof reply !== 'object' || reply === null) return reply;
  const {
    sentAt: _,
    leaseLeft,
    ticket: __,
    lease: ___,
    fence: ____,
    fences,
    ...rest
  } = reply as Record<string, unknown>;
  const { next = 0, last = -1 } = (fences ?? {}) as Partial<FenceBlock>;
  const left = typeof leaseLeft === 'number' ? { left: Math.round(leaseLeft / 10_000) } : {};
  return { ...rest, ...left, numbers: Math.max(0, last - next + 1) };
}

function referenceSide(
  mints: readonly TokenMint[],
  keyPrefix: string,
): Side & { readonly ran: ReadonlySet<string> } {
  const server = new ReferenceServer();
  const { db } = server;
  const keys = new LockKeys(keyPrefix);
  const parties = mints.map((mint) =>
    open(mint, new RedisLockStore(new ReferenceServers(server, keyPrefix, mint.boot), systemClock)),
  );
  return {
    parties,
    ran: server.ran,
    look: async (key) => {
      const { lock, queue, alive, holders } = keys.of(key);
      const members = (name: string): string[] => db.zrange(name).map(([member]) => member);
      const value = db.get(lock) ?? null;
      return {
        value,
        queue: members(queue),
        alive: members(alive).sort(),
        holders: members(holders).sort(),
      };
    },
    keepAlive: async (key) => {
      const { alive } = keys.of(key);
      for (const [token] of db.zrange(alive)) db.zadd(alive, LONG_AFTER, token);
    },
    expire: async (key) => db.del(keys.of(key).lock),
  };
}

async function redisSide(mints: readonly TokenMint[], keyPrefix: string): Promise<Side> {
  const client = openClient(sharedRedisUrl());
  const keys = new LockKeys(keyPrefix);
  const parties = mints.map((mint) => {
    const options = { keyPrefix, commandTimeout: 10_000, boot: mint.boot, clock: systemClock };
    return open(mint, openRedisStore(sharedRedisUrl(), options));
  });
  await listening(
    client,
    mints.map(({ boot }) => keys.of('').channel + boot),
  );
  return {
    parties,
    look: async (key) => {
      const { lock, queue, alive, holders } = keys.of(key);
      const members = async (name: string): Promise<string[]> => client.zrange(name, '0', '-1');
      const value = await client.get(lock);
      const [waiting, living, beside] = await Promise.all(
        [queue, alive, holders].map((name) => members(name)),
      );
      return { value, queue: waiting, alive: living?.sort(), holders: beside?.sort() };
    },
    keepAlive: (key) => keepAlive(client, keys.of(key).alive),
    expire: async (key) => void (await client.del(keys.of(key).lock)),
  };
}

async function listening(client: Redis, channels: readonly string[]): Promise<void> {
  await eventually(async () => {
    const counts = await client.pubsub('NUMSUB', ...channels);
    expect(counts.filter((count) => count === 1)).toHaveLength(channels.length);
  });
}

function open(mint: TokenMint, store: LockStore): StoreParty {
  afterTest(() => store.close());
  return new StoreParty(mint, store);
}
