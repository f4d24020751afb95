import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { SIGN_UNIT } from '../../../lib/redis/scripts/shared.script.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { chooseSeed, seededRandom } from '../../support/random.js';
import { RedisServer } from '../../support/redis-server.js';
import { timed } from '../../support/timed.js';

const KEYS = ['w', 'x', 'y', '{z}'];
const PROCESSES = 4;
const CALLERS = 5;
const RUN_MS = 2500;
/** A busy machine is given longer to serve so many. */
const LONGEST_RUN_MS = 40_000;
const SERVED = 50;

/** What one key looks like in Redis at one moment. */
interface Picture {
  readonly holder: string | null;
  readonly queue: readonly string[];
  readonly alive: readonly string[];
  /** Of the keys that exist; -1: lives for ever. */
  readonly lifetimes: readonly number[];
}

describe('the invariants, while four processes contend for four keys in every way', () => {
  it('hold: one holder (I1, I4), rising fences (I2, I5), deadlines (I3), Q ⊆ A, no key without end (I9)', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    const managers = Array.from({ length: PROCESSES }, () => openManager(server.url));
    const oracle = new Oracle();
    const startedAt = performance.now();
    const over = (): boolean => {
      const ran = performance.now() - startedAt;
      return ran > LONGEST_RUN_MS || (ran > RUN_MS && oracle.sections > SERVED);
    };

    const callers = managers.flatMap((manager) =>
      Array.from({ length: CALLERS }, async () => {
        while (!over()) await oneCall(manager, random, oracle);
      }),
    );
    const breaches: string[] = [];
    const watch = (async () => {
      while (!over()) {
        for (const key of KEYS) breaches.push(...breachesOf(key, await pictureOf(redis, key)));
        await sleep(1);
      }
    })();
    await Promise.all([...callers, watch]);

    const told = `SEED=${seed}`;
    expect({ told, overlaps: oracle.overlaps, inversions: oracle.inversions }).toEqual({
      told,
      overlaps: [],
      inversions: [],
    });
    expect({ told, breaches }).toEqual({ told, breaches: [] });
    expect(oracle.sections).toBeGreaterThan(SERVED);
    await eventually(async () => expect(await redis.keys('*')).toEqual(['lock:!fence']));
  });
});

describe('a token without a live attempt (I8)', () => {
  it('is gone from the queue when its turn comes, and from the lock when its claim is over', async () => {
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    const [a, b] = [openManager(server.url), openManager(server.url)];
    await b.withLock('warm-up', () => {});
    const lock = await a.acquire('k');
    // A waiter and a holder that nobody has: as of processes that died.
    const ghost = (n: number): string => `${'g'.repeat(15)}${n}.0300.0001.0.1.host.`;
    await redis.zadd('lock:!q:{lock:k}', 1, ghost(1), 2, ghost(2));
    await redis.zadd('lock:!a:{lock:k}', (Date.now() + 15_000) * SIGN_UNIT, ghost(2));
    await openClient(server.url).subscribe(`lock:!g:${'g'.repeat(15)}2`);
    const next = b.acquire('k');
    const releasedAt = performance.now();
    await lock.release();

    const { ms, value } = await timed(next);

    // The first is not alive, the second listens and never starts.
    expect(performance.now() - releasedAt).toBeGreaterThan(295);
    expect(ms).toBeLessThan(2500 + NOISE_MS);
    await value?.release();
    await eventually(async () =>
      expect((await redis.keys('*')).filter((key) => !key.startsWith('lock:!'))).toEqual([]),
    );
    for (const key of await redis.keys('lock:!a*'))
      expect(await redis.pttl(key)).toBeLessThanOrEqual(60_000);
  });
});

/** Knows at each moment who is inside, and what fence each resource has seen. */
class Oracle {
  readonly overlaps: string[] = [];
  readonly inversions: string[] = [];
  sections = 0;
  readonly #inside = new Map<string, number>();
  readonly #fences = new Map<string, number>();

  enter(key: string, { fencingToken, remainingMs }: Lock): void {
    this.sections += 1;
    const inside = (this.#inside.get(key) ?? 0) + 1;
    this.#inside.set(key, inside);
    if (inside > 1) this.overlaps.push(`${inside} in ${key}`);
    if (remainingMs <= 0) this.overlaps.push(`${key} entered after its deadline`);
    const seen = this.#fences.get(key) ?? 0;
    if (fencingToken <= seen) this.inversions.push(`${key}: ${fencingToken} after ${seen}`);
    this.#fences.set(key, fencingToken);
  }

  leave(key: string): void {
    this.#inside.set(key, (this.#inside.get(key) ?? 0) - 1);
  }
}

async function oneCall(manager: LockManager, random: () => number, oracle: Oracle): Promise<void> {
  const key = KEYS[Math.floor(random() * KEYS.length)] ?? 'x';
  const signal = random() < 0.1 ? AbortSignal.timeout(Math.ceil(random() * 30)) : undefined;
  const options = {
    ttl: random() < 0.3 ? 400 : 2000,
    wait: random() < 0.2 ? Math.floor(random() * 40) : 5000,
    minHold: random() < 0.02 ? 30 : 0,
    renew: random() < 0.9,
    ...(signal === undefined ? {} : { signal }),
  };
  const work = random() < 0.5 ? 0 : random() * 6;
  await timed(
    manager.withLock(
      key,
      async (lock) => {
        oracle.enter(key, lock);
        if (work > 0) await sleep(work);
        oracle.leave(key);
      },
      options,
    ),
  );
  if (random() < 0.2) await sleep(random() * 5);
}

async function pictureOf(redis: Redis, key: string): Promise<Picture> {
  const lock = `lock:${key}`;
  const tail = key === '{z}' ? '{z}:{z}' : `{${lock}}`;
  const [queueKey, aliveKey] = [`lock:!q:${tail}`, `lock:!a:${tail}`];
  const replies = await redis
    .multi()
    .get(lock)
    .zrange(queueKey, '0', '-1')
    .zrange(aliveKey, '0', '-1')
    .pttl(lock)
    .pttl(queueKey)
    .pttl(aliveKey)
    .exec();
  const [holder, queue, alive, ...lifetimes] = (replies ?? []).map(([, reply]) => reply);
  return {
    holder: holder as string | null,
    queue: queue as string[],
    alive: alive as string[],
    lifetimes: lifetimes as number[],
  };
}

function breachesOf(key: string, { holder, queue, alive, lifetimes }: Picture): string[] {
  const found: string[] = [];
  if (holder !== null && queue.includes(holder)) found.push(`${key}: its holder waits`);
  if (lifetimes.includes(-1)) found.push(`${key}: a key lives for ever`);
  for (const token of queue)
    if (!alive.includes(token)) found.push(`${key}: a waiter counts as dead`);
  const boots = queue.map((token) => token.slice(0, 16));
  if (new Set(boots).size !== boots.length) found.push(`${key}: a process waits twice`);
  return found;
}
