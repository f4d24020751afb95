// It has no default lease; this one is from its README.
const TTL_MS = 30_000;

export const redisKitLock = {
  name: '@redis-kit/lock',
  package: '@redis-kit/lock',
  client: 'redis',
  quorum: true,
  sends: [],
  /** Tries every 200 to 300 ms. It gives up after 4 tries, here never. */
  async open(urls) {
    const [{ Redlock }, { createClient }] = await Promise.all([
      import('@redis-kit/lock'),
      import('redis'),
    ]);
    const clients = await Promise.all(urls.map((url) => createClient({ url }).connect()));
    const locks = new Redlock(clients, { maxRetryAttempts: Infinity });
    return async (key) => {
      const lock = await locks.acquire(key, TTL_MS);
      if (lock === null) throw new Error(`Gave up on "${key}".`);
      return () => lock.release();
    };
  },
};
