/** The original, and a fork that is used in the same way. */
export const redlock = redlockOf('redlock', async () => (await import('redlock')).default);
export const sesamecareRedlock = redlockOf(
  '@sesamecare-oss/redlock',
  async () => (await import('@sesamecare-oss/redlock')).Redlock,
);

// They have no default lease; this one is from their README.
const TTL_MS = 5000;

function redlockOf(name, load) {
  return {
    name,
    package: name,
    quorum: true,
    sends: [],
    /** Tries every 200 ± 100 ms. It gives up after 10 tries; -1 is its word for never. */
    async open(urls) {
      const [Redlock, { Redis }] = await Promise.all([load(), import('ioredis')]);
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
}
