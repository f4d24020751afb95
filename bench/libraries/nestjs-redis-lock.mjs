export const nestjsRedisLock = {
  name: 'nestjs-redis-lock',
  ours: true,
  quorum: true,
  sends: [],
  /** Defaults, but for the longest wait: 10 s would end while the others of a slow round still wait. */
  async open(urls) {
    const { LockService } = await import('../../dist/esm/index.js');
    const locks = new LockService({ connection: urls, wait: '60s' });
    return async (key) => {
      const lock = await locks.acquire(key);
      return () => lock.release();
    };
  },
};
