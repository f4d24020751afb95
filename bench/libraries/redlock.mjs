// It has no default lease; this one is from its README.
const TTL_MS = 5000;

export const redlock = {
  name: 'redlock',
  package: 'redlock',
  quorum: true,
  sends: [],
  /** Tries every 200 ± 100 ms. It gives up after 10 tries; -1 is its word for never. */
  async open(urls) {
    const [{ default: Redlock }, { Redis }] = await Promise.all([
      import('redlock'),
      import('ioredis'),
    ]);
    const locks = new Redlock(
      urls.map((url) => new Redis(url)),
      { retryCount: -1 },
    );
    locks.on('error', () => {});
    return async (key) => {
      const lock = await locks.acquire([key], TTL_MS);
      return () => lock.release();
    };
  },
};
