export const verrou = {
  name: '@verrou/core',
  package: '@verrou/core',
  client: 'ioredis-5',
  sends: ['set'],
  /** Tries every 250 ms. It never gives up. It asks for ioredis 5. */
  async open([url]) {
    const [{ Verrou }, { redisStore }, { Redis }] = await Promise.all([
      import('@verrou/core'),
      import('@verrou/core/drivers/redis'),
      import('ioredis-5'),
    ]);
    const driver = redisStore({ connection: new Redis(url) });
    const locks = new Verrou({ default: 'redis', stores: { redis: { driver } } });
    return async (key) => {
      const lock = locks.createLock(key);
      if (!(await lock.acquire())) throw new Error(`Gave up on "${key}".`);
      return () => lock.release();
    };
  },
};
