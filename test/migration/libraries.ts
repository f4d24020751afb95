import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Redis } from 'ioredis';

import { afterTest } from '../support/after-test.js';
import { openClient } from '../support/managers.js';

/** Another library, or a program of one's own, that locks a key of Redis. */
export interface OtherLibrary {
  /** What it puts before a key. */
  readonly keyPrefix: string;
  /** Resolves with what takes a lock, waiting for it, and that with what gives it back. */
  open(url: string): Promise<(key: string) => Promise<() => Promise<unknown>>>;
}

/** How often they ask for a busy lock, as the guides say, and how long their leases are. */
const RETRY_MS = 75;
const TTL_MS = 20_000;
const OFTEN = 1_000_000;

/** Installed for the benchmarks. */
const bench = createRequire(new URL('../../bench/package.json', import.meta.url));

export const LIBRARIES: Readonly<Record<string, OtherLibrary>> = {
  redlock: {
    keyPrefix: '',
    async open(url) {
      const { default: Redlock } = bench('redlock');
      const settings = { retryCount: -1, retryDelay: RETRY_MS, retryJitter: 25 };
      const locks = new Redlock([openClient(url)], settings);
      locks.on('error', () => {});
      return async (key) => {
        const lock = await locks.acquire([key], TTL_MS);
        return () => lock.release();
      };
    },
  },
  'redis-semaphore': {
    keyPrefix: 'mutex:',
    async open(url) {
      const { Mutex } = bench('redis-semaphore');
      const client = openClient(url);
      return async (key) => {
        const settings = { lockTimeout: TTL_MS, acquireTimeout: OFTEN, retryInterval: RETRY_MS };
        const mutex = new Mutex(client, key, settings);
        await mutex.acquire();
        return () => mutex.release();
      };
    },
  },
  'redlock-universal, which nestjs-redlock-universal uses': {
    keyPrefix: '',
    async open(url) {
      const { IoredisAdapter, createLock } = bench('redlock-universal');
      const adapter = new IoredisAdapter(openClient(url));
      return async (key) => {
        const retry = { retryAttempts: OFTEN, retryDelay: RETRY_MS };
        const lock = createLock({ adapter, key, ttl: TTL_MS, ...retry });
        const handle = await lock.acquire();
        return () => lock.release(handle);
      };
    },
  },
  '@verrou/core': {
    keyPrefix: '',
    async open(url) {
      const folder = pathToFileURL(
        bench.resolve('redis-semaphore').replace(/redis-semaphore.*/, ''),
      );
      const from = (name: string) => import(String(new URL(`@verrou/core/build/${name}`, folder)));
      // One after the other: jest links no two modules at a time that share a third.
      const { Verrou } = await from('index.js');
      const { redisStore } = await from('src/drivers/redis.js');
      const connection = new (bench('ioredis-5').Redis)(url);
      afterTest(() => connection.disconnect());
      const stores = { redis: { driver: redisStore({ connection }) } };
      const locks = new Verrou({ default: 'redis', stores });
      return async (key) => {
        const retry = { attempts: OFTEN, delay: RETRY_MS };
        const lock = locks.createLock(key, TTL_MS, { retry });
        if (!(await lock.acquire())) throw new Error(`Gave up on "${key}".`);
        return () => lock.release();
      };
    },
  },
  'SET NX PX and a comparison: murlock, nestjs-simple-redis-lock, redis-py': {
    keyPrefix: '',
    async open(url) {
      const client = openClient(url);
      return async (key) => {
        const value = `${Math.random()}`;
        await until(async () => (await client.set(key, value, 'PX', TTL_MS, 'NX')) === 'OK');
        return async () => {
          const compareAndDelete =
            "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end";
          await client.eval(compareAndDelete, 1, key, value);
        };
      };
    },
  },
  'SETNX and EXPIRE by hand': {
    keyPrefix: '',
    async open(url) {
      const client: Redis = openClient(url);
      return async (key) => {
        await until(async () => (await client.setnx(key, '1')) === 1);
        await client.expire(key, TTL_MS / 1000);
        return () => client.del(key);
      };
    },
  },
};

async function until(attempt: () => Promise<boolean>): Promise<void> {
  while (!(await attempt())) await sleep(RETRY_MS);
}
