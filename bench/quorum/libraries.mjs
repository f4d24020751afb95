// One way to use each library on several independent nodes: `open(urls)` gives `acquire(key)`, which
// waits up to 30 s with the library's own defaults and resolves with a release, and `close()`.
import { Redis } from 'ioredis';

const TTL_MS = 10_000;
const WAIT_MS = 30_000;

export const libraries = {
  'nestjs-redis-lock': async (urls) => {
    const { LockService } = await import('../../dist/esm/index.js');
    const locks = new LockService({ connection: urls, ttl: TTL_MS, wait: WAIT_MS });
    return {
      acquire: async (key) => {
        const lock = await locks.acquire(key);
        return () => lock.release();
      },
      close: () => locks.shutdown(),
    };
  },
  redlock: async (urls) => {
    const { default: Redlock } = await import('redlock');
    const clients = urls.map((url) => new Redis(url));
    // It counts tries, not time: 200 ms apart by default.
    const locks = new Redlock(clients, { retryCount: WAIT_MS / 200 });
    locks.on('error', () => {});
    return {
      acquire: async (key) => {
        const lock = await locks.acquire([key], TTL_MS);
        return () => lock.release();
      },
      close: () => locks.quit(),
    };
  },
  'redis-semaphore': async (urls) => {
    const { RedlockMutex } = await import('redis-semaphore');
    const clients = urls.map((url) => new Redis(url));
    return {
      acquire: async (key) => {
        const mutex = new RedlockMutex(clients, key, {
          lockTimeout: TTL_MS,
          acquireTimeout: WAIT_MS,
        });
        await mutex.acquire();
        return () => mutex.release();
      },
      close: () => disconnect(clients),
    };
  },
  'redlock-universal': async (urls) => {
    const { IoredisAdapter, createRedlock } = await import('redlock-universal');
    const clients = urls.map((url) => new Redis(url));
    const adapters = clients.map((client) => new IoredisAdapter(client));
    return {
      acquire: async (key) => {
        // It counts tries, not time: 200 ms apart by default.
        const lock = createRedlock({ adapters, key, ttl: TTL_MS, retryAttempts: WAIT_MS / 200 });
        const handle = await lock.acquire();
        return () => lock.release(handle);
      },
      close: () => disconnect(clients),
    };
  },
};

async function disconnect(clients) {
  for (const client of clients) client.disconnect();
}
