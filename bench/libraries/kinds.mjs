// Locks that several hold beside each other, and several keys at once; each as a library of its own.
const WAIT_MS = 60_000;
/** How many may hold a semaphore. */
export const PERMITS = 5;

export const oursShared = ours('shared', (key) => key, { mode: 'shared' });
export const oursPermits = ours(`${PERMITS} permits`, (key) => key, { permits: PERMITS });
export const oursTwoKeys = ours('two keys', (key) => [`{${key}}:1`, `{${key}}:2`]);

export const semaphore = semaphoreOf('Semaphore', ({ Semaphore }, client, key, options) => {
  return new Semaphore(client, key, PERMITS, options);
});
export const multiSemaphore = semaphoreOf(
  'MultiSemaphore',
  ({ MultiSemaphore }, client, key, options) => {
    return new MultiSemaphore(client, key, PERMITS, 1, options);
  },
);

export const kinds = [oursShared, oursPermits, oursTwoKeys, semaphore, multiSemaphore];

/** Defaults, but for the longest wait. */
function ours(name, keyOf, options = {}) {
  return {
    name,
    ours: true,
    sends: [],
    async open(urls) {
      const { LockService } = await import('../../dist/esm/index.js');
      const locks = new LockService({ connection: urls, wait: '60s' });
      return async (key) => {
        const lock = await locks.acquire(keyOf(key), options);
        return () => lock.release();
      };
    },
  };
}

/** Tries every 10 ms. It gives up after 10 s, here after 60 s. */
function semaphoreOf(name, make) {
  return {
    name: `redis-semaphore ${name}`,
    package: 'redis-semaphore',
    sends: [],
    async open([url]) {
      const [library, { Redis }] = await Promise.all([
        import('redis-semaphore'),
        import('ioredis'),
      ]);
      const client = new Redis(url);
      return async (key) => {
        const lock = make(library, client, key, { acquireTimeout: WAIT_MS });
        await lock.acquire();
        return () => lock.release();
      };
    },
  };
}
