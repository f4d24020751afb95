// It has no default lease; this one is from its README.
const TTL_MS = 60_000;
const NO_LIMIT = 0;

export const ioredfour = {
  name: 'ioredfour',
  package: 'ioredfour',
  sends: [],
  /** Tries when the lock is released, and when its lease has ended. 0 is its word for giving up never. */
  async open([url]) {
    const { default: Lock } = await import('ioredfour');
    const locks = new Lock({ redis: url });
    return async (key) => {
      const lock = await locks.waitAcquireLock(key, TTL_MS, NO_LIMIT);
      if (!lock.success) throw new Error(`Gave up on "${key}".`);
      return () => locks.releaseLock(lock);
    };
  },
};
