export const microfleetIoredisLock = {
  name: '@microfleet/ioredis-lock',
  package: '@microfleet/ioredis-lock',
  client: 'ioredis-5',
  sends: ['set'],
  /** Tries every 50 to 60 ms. It gives up after 7 tries, here never. It asks for ioredis 4 or 5. */
  async open([url]) {
    const [{ createLock }, { Redis }] = await Promise.all([
      import('@microfleet/ioredis-lock'),
      import('ioredis-5'),
    ]);
    const redis = new Redis(url);
    return async (key) => {
      const lock = await createLock(redis, { retries: Infinity }).acquire(key);
      return () => lock.release();
    };
  },
};
