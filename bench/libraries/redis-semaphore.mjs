const WAIT_MS = 60_000;

export const redisSemaphore = {
  name: 'redis-semaphore',
  package: 'redis-semaphore',
  quorum: true,
  sends: ['set'],
  /** Tries every 10 ms. It gives up after 10 s, here after 60 s. */
  async open(urls) {
    const [{ Mutex, RedlockMutex }, { Redis }] = await Promise.all([
      import('redis-semaphore'),
      import('ioredis'),
    ]);
    const clients = urls.map((url) => new Redis(url));
    const options = { acquireTimeout: WAIT_MS };
    return async (key) => {
      const mutex =
        clients.length === 1
          ? new Mutex(clients[0], key, options)
          : new RedlockMutex(clients, key, options);
      await mutex.acquire();
      return () => mutex.release();
    };
  },
};
