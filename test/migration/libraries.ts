import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Redis } from 'ioredis';

import { afterTest } from '../support/after-test.js';
import { openClient } from '../support/managers.js';
import { openPython } from './python.js';

/** Another library, or a program of one's own, that locks a key of Redis. */
export interface OtherLibrary {
  /** What it puts before a key. */
  readonly keyPrefix: string;
  /** A program beside Node.js, without which it can't be tried. */
  readonly needs?: 'python';
  /** Resolves with what takes a lock, waiting for it, and that with what gives it back. */
  open(url: string): Promise<(key: string) => Promise<() => Promise<unknown>>>;
}

/** How often they ask for a busy lock, as the guides say, and how long their leases are. */
const RETRY_MS = 75;
const TTL_MS = 20_000;
const OFTEN = 1_000_000;

/** Installed for the benchmarks. */
const bench = createRequire(new URL('../../bench/package.json', import.meta.url));
const others = createRequire(new URL('others/package.json', import.meta.url));

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
  'nestjs-simple-redis-lock': {
    keyPrefix: 'lock:',
    async open(url) {
      const { RedisLockService } = others('nestjs-simple-redis-lock');
      const client = openClient(url);
      const locks = new RedisLockService({ getClient: () => client }, {});
      return async (key) => {
        await locks.lock(key, TTL_MS, RETRY_MS, OFTEN);
        return () => locks.unlock(key);
      };
    },
  },
  murlock: {
    keyPrefix: '',
    async open(url) {
      const { MurLockService } = others('murlock');
      const { AsyncStorageManager } = others('murlock/dist/als/als-manager.js');
      const { AsyncStorageService } = others('murlock/dist/als/als.service.js');
      const options = { redisOptions: { url }, maxAttempts: OFTEN, logLevel: 'error' };
      const contexts = new AsyncStorageService(new AsyncStorageManager());
      const locks = new MurLockService(options, contexts);
      await locks.onModuleInit();
      afterTest(() => locks.onApplicationShutdown());
      return (key) =>
        new Promise((resolve, reject) => {
          let release = () => {};
          const until = new Promise<void>((settle) => (release = settle));
          const inside = () => {
            resolve(() => (release(), ended));
            return until;
          };
          const ended: Promise<void> = locks.runWithLock(key, TTL_MS, RETRY_MS, inside);
          ended.catch(reject);
        });
    },
  },
  'redis-py': { keyPrefix: '', needs: 'python', open: (url) => openPython('redis-py', url) },
  'redlock of Python, by its algorithm': {
    keyPrefix: '',
    needs: 'python',
    open: (url) => openPython('redlock', url),
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
