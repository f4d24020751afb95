import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { TokenMint } from '../../../lib/engine/store/token.js';
import { LockKeys } from '../../../lib/redis/keys/lock-keys.js';
import type { RedisScript } from '../../../lib/redis/scripts/define-script.js';
import { acquireScript } from '../../../lib/redis/scripts/acquire.script.js';
import { releaseScript } from '../../../lib/redis/scripts/release.script.js';
import { openClient } from '../../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';

const FOR_EVER = Number.MAX_SAFE_INTEGER;
const HELD = 1;
const QUEUED = 2;

/** The scripts themselves, for what no process does by itself: one that dies between two commands. */
describe('who waits, in Redis', () => {
  let redis: Redis;
  let place: ReturnType<LockKeys['of']>;

  beforeEach(() => {
    redis = openClient(sharedRedisUrl());
    place = new LockKeys(uniquePrefix()).of('k');
  });

  function run(script: RedisScript, ...args: (string | number)[]): Promise<unknown> {
    const { counter, lock, queue, alive, holders } = place;
    return redis.eval(script.lua, 5, counter, lock, queue, alive, holders, ...args);
  }

  async function acquire(token: string, { yields = '~', ticket = '-' } = {}): Promise<number[]> {
    const waits = `${yields} 1 ${ticket} ${place.channel}`;
    const reply = (await run(acquireScript, FOR_EVER, token, 30_000, 1, waits)) as unknown[];
    const [, last, outcome] = reply as [number, number, number | number[]];
    return typeof outcome === 'number' ? [outcome, -1, last, last] : outcome;
  }

  function release(token: string): Promise<unknown> {
    return run(releaseScript, token, 0, place.channel);
  }

  /** A process that hears what it is told, or one that does not. */
  async function party(listens: boolean): Promise<{ next(): string; told: string[] }> {
    const mint = new TokenMint();
    const told: string[] = [];
    if (listens) {
      const subscriber = openClient(sharedRedisUrl());
      subscriber.on('message', (_channel, message: string) => told.push(message));
      await subscriber.subscribe(`${place.channel}${mint.boot}`);
    }
    return { next: () => mint.next(2000, 1, ''), told };
  }

  it('keep their queue for a minute from the last that came, however long it is busy', async () => {
    const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => party(true)));
    await acquire(a!.next());
    await acquire(b!.next());
    await acquire(c!.next());
    for (const key of [place.queue, place.alive]) await redis.pexpire(key, 1000);

    expect((await acquire(d!.next()))[0]).toBe(QUEUED);

    for (const key of [place.queue, place.alive])
      expect(await redis.pttl(key)).toBeGreaterThan(50_000);
  });

  it('get the lock back that they yield to nobody', async () => {
    const deaf = await party(false);
    const held = deaf.next();
    await acquire(held);
    // What an earlier place of the same process has left.
    await acquire(deaf.next());
    const mine = deaf.next();

    const [kind, yielded, first] = await acquire(mine, { yields: held });

    expect([kind, yielded]).toEqual([HELD, 1]);
    expect(first).toBeGreaterThan(0);
    expect(await redis.get(place.lock)).toBe(mine);
    expect(await redis.exists(place.queue, place.alive)).toBe(0);
  });

  it('are handed the lock that another place of their own process gives back', async () => {
    const [dead, alive] = await Promise.all([party(false), party(true)]);
    const held = alive.next();
    await acquire(held);
    await acquire(dead.next());
    const waits = alive.next();
    await acquire(waits);

    await release(held);

    expect(await redis.get(place.lock)).toBe(waits);
  });

  it('stand behind those who came before Redis’ clock stepped back', async () => {
    const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => party(true)));
    await acquire(a!.next());
    const waiting = [b!.next(), c!.next(), d!.next()];
    await acquire(waiting[0]!);
    // As if it had come while the clock was six seconds ahead.
    await redis.zincrby(place.queue, 6_000_000, waiting[0]!);

    const [, , , rank, ticket] = await acquire(waiting[1]!);
    await acquire(waiting[2]!);

    expect(rank).toBe(1);
    expect(await redis.zrange(place.queue, 0, '-1')).toEqual(waiting);
    // One who lost its place by accident gets it back, though the clock is behind it.
    await redis.zrem(place.queue, waiting[1]!);
    await acquire(waiting[1]!, { ticket: String(ticket) });
    expect(await redis.zrange(place.queue, 0, '-1')).toEqual(waiting);
  });

  it('stay alive when an older place of their process is given back late', async () => {
    const [a, b] = await Promise.all([1, 2].map(() => party(true)));
    const held = a!.next();
    await acquire(held);
    const [old, fresh] = [b!.next(), b!.next()];
    await acquire(old);
    await acquire(fresh);

    await release(old);
    await release(held);

    expect(await redis.get(place.lock)).toBe(fresh);
  });

  it('leave no lock behind when its fencing number can not be had', async () => {
    await redis.hset(place.counter, 'not', 'a number');

    await expect(acquire((await party(true)).next())).rejects.toThrow('WRONGTYPE');

    expect(await redis.exists(place.lock)).toBe(0);
  });
});
