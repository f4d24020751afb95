export const simpleRedisMutex = {
  name: 'simple-redis-mutex',
  package: 'simple-redis-mutex',
  client: 'redis',
  sends: ['set', 'incr'],
  /** Tries when any lock is released, and every 10 s. It never gives up. */
  async open([url]) {
    const [{ lock }, { createClient }] = await Promise.all([
      import('simple-redis-mutex'),
      import('redis'),
    ]);
    const redis = await createClient({ url }).connect();
    return (key) => lock(redis, key);
  },
};
