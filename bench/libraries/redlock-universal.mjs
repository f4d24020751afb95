const NEVER = Number.MAX_SAFE_INTEGER;

export const redlockUniversal = {
  name: 'redlock-universal',
  package: 'redlock-universal',
  quorum: true,
  sends: ['set'],
  /** Tries every 100 ms, on several servers every 200 ms. It gives up after 4 tries, here never. */
  async open(urls) {
    const [{ IoredisAdapter, createLock, createRedlock }, { Redis }] = await Promise.all([
      import('redlock-universal'),
      import('ioredis'),
    ]);
    const adapters = urls.map((url) => new IoredisAdapter(new Redis(url)));
    const locks = new Map();
    return async (key) => {
      const lock = locks.get(key) ?? create(key);
      locks.set(key, lock);
      const handle = await lock.acquire();
      return () => lock.release(handle);
    };

    function create(key) {
      return adapters.length === 1
        ? createLock({ adapter: adapters[0], key, retryAttempts: NEVER })
        : createRedlock({ adapters, key, retryAttempts: NEVER });
    }
  },
};
