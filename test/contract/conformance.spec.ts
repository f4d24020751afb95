import { describe, expect, it } from '@jest/globals';

import { systemClock } from '../../lib/engine/time/clock.js';
import type { FenceBlock, LockStore } from '../../lib/engine/store/lock-store.js';
import { TokenMint } from '../../lib/engine/store/token.js';
import { MemoryLockStore } from '../../lib/memory/memory-lock.store.js';
import { MemorySpace } from '../../lib/memory/memory-space.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { afterTest } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { chooseSeed, seededRandom } from '../support/random.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { COMMAND_MS, StoreParty } from './store-party.js';

const PARTIES = 4;
const STEPS = 60;
const RUNS = 25;
/** Longer than a run takes: a lock that is handed over stays with its waiter. */
const CLAIM = 9999;
const ROUNDS_MS = 120_000;

/** One implementation, with the same processes and tokens as the other. */
interface Side {
  readonly parties: readonly StoreParty[];
  /** The holder's lease ends, as if its process had died long ago. */
  expire(key: string): Promise<void>;
}

/** One step: which process does what, once or twice; `fresh` is its next token if it needs one. */
interface Step {
  readonly what: (typeof COMMANDS)[number];
  readonly party: number;
  readonly key: string;
  readonly fresh: string;
  readonly late: boolean;
  readonly times: number;
}

const COMMANDS = [
  'try',
  'queue',
  'queue',
  'queue',
  'yield',
  'move',
  'poll',
  'renew',
  'release',
  'release',
  'minHoldLeft',
  'revoke',
  'expire',
] as const;

describe('the stores', () => {
  it(
    'answer any sequence of commands alike, some of them sent twice',
    async () => {
      const seed = chooseSeed();
      const random = seededRandom(seed);
      const mints = Array.from({ length: PARTIES }, () => new TokenMint());
      const memory = memorySide(mints);
      const redis = await redisSide(mints);
      for (let run = 0; run < RUNS; run += 1) {
        const steps = makeSteps(random, mints, `run:${run}`);
        const seen = { memory: await play(memory, steps), redis: await play(redis, steps) };

        const mark = `seed ${seed}, run ${run}`;
        for (const [i, step] of steps.entries()) {
          const told = `${mark}, step ${i}: ${JSON.stringify(step)}`;
          expect({ told, got: seen.memory[i] }).toEqual({ told, got: seen.redis[i] });
        }
      }
      await samePushes(memory, redis);
    },
    ROUNDS_MS,
  );
});

function makeSteps(random: () => number, mints: readonly TokenMint[], key: string): Step[] {
  return Array.from({ length: STEPS }, () => {
    const party = Math.floor(random() * mints.length);
    const what = COMMANDS[Math.floor(random() * COMMANDS.length)] ?? 'try';
    const fresh = (mints[party] as TokenMint).next(CLAIM, 1 + Math.floor(random() * 5), '');
    const times = random() < 0.25 ? 2 : 1;
    return { what, party, key, fresh, late: random() < 0.1, times };
  });
}

/** Runs the steps; returns what each answered and what the lock looks like then, without times. */
async function play(side: Side, steps: readonly Step[]): Promise<unknown[]> {
  const seen: unknown[] = [];
  const tokens = new Map<number, { now: string; before: string }>();
  let fence = 0;
  for (const step of steps) {
    const own = tokens.get(step.party) ?? { now: step.fresh, before: step.fresh };
    tokens.set(step.party, own);
    const party = side.parties[step.party] as StoreParty;
    const command = await commandOf(step, side, party, own);
    const answers: unknown[] = [];
    for (let i = 0; i < step.times; i += 1) {
      const reply = await command();
      const { fences } = (reply ?? {}) as { fences?: FenceBlock };
      if (fences !== undefined && fences.last >= fences.next) {
        expect(fences.next).toBeGreaterThan(fence);
        fence = fences.last;
      }
      answers.push(withoutTimes(reply));
    }
    const stored = await party.store.inspect(step.key);
    const waiters = stored && Object.fromEntries(stored.waiters);
    seen.push({ answers, holder: stored === null ? 'free' : stored.token, waiters });
  }
  return seen;
}

/** A process goes on with a new token once it has given one back; old ones may still be heard of. */
async function commandOf(
  { what, key, fresh, late }: Step,
  side: Side,
  party: StoreParty,
  own: { now: string; before: string },
): Promise<() => Promise<unknown>> {
  const token = own.now;
  const old = late ? own.before : own.now;
  const goOn = (): void => void Object.assign(own, { now: fresh, before: token });
  switch (what) {
    case 'try':
      return () => party.acquire(key, token);
    case 'queue':
      return () => party.queue(key, token);
    case 'yield':
      if ((await party.store.inspect(key))?.token !== token) return async () => 'nothing to yield';
      goOn();
      return () => party.queue(key, fresh, { yields: token });
    case 'move': {
      const from = late ? fresh : token;
      const to = late ? token : fresh;
      if (!late) goOn();
      const command = { key, from, to, ttl: CLAIM, until: performance.now() + COMMAND_MS };
      return () => party.store.move!({ ...command, beside: false });
    }
    case 'poll':
      return () => party.poll(key, old);
    case 'renew':
      return () => party.renew(key, old, { fences: 2 });
    case 'release':
      if (old === token) goOn();
      return () => party.release(key, old);
    case 'minHoldLeft':
      if (old === token) goOn();
      return () => party.release(key, old, 30_000);
    case 'revoke':
      return () => party.store.revoke(key);
    case 'expire':
      break;
  }
  return () => side.expire(key);
}

function withoutTimes(reply: unknown): unknown {
  if (typeof reply !== 'object' || reply === null) return reply;
  const { sentAt: _, leaseLeft: __, ticket: ___, fences, ...rest } = reply as Record<string, any>;
  const numbers = fences === undefined ? 0 : Math.max(0, fences.last - fences.next + 1);
  return { ...rest, numbers };
}

async function samePushes(memory: Side, redis: Side): Promise<void> {
  for (const [i, party] of redis.parties.entries()) {
    const expected = pushes(memory.parties[i] as StoreParty);
    await eventually(() => expect(pushes(party)).toEqual(expected));
  }
}

function pushes({ grants, wanted, revoked, rechecks }: StoreParty): unknown {
  const granted = grants.map(({ key, token, queue }) => ({ key, token, queue }));
  return { granted, wanted, revoked, rechecks };
}

function memorySide(mints: readonly TokenMint[]): Side {
  const space = new MemorySpace(systemClock);
  const parties = mints.map((mint) => open(mint, new MemoryLockStore(mint.boot, space)));
  return { parties, expire: async (key) => space.free(key) };
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
  return { parties, expire: async (key) => void (await client.del(keyPrefix + key)) };
}

function open(mint: TokenMint, store: LockStore): StoreParty {
  afterTest(() => store.close());
  return new StoreParty(mint, store);
}
