import { randomBytes } from 'node:crypto';

const TTL_MS = 30_000;
const COMPARE_AND_DELETE =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/** A floor for a free lock: what Redis documents, by hand. It does not wait: a busy lock is an error. */
export const raw = {
  name: 'raw',
  package: 'ioredis',
  floor: true,
  sends: ['set'],
  async open([url]) {
    const { Redis } = await import('ioredis');
    return rawLocks(new Redis(url));
  },
};

/** @param {import('ioredis').Redis} redis */
export function rawLocks(redis) {
  redis.defineCommand('compareAndDelete', { numberOfKeys: 1, lua: COMPARE_AND_DELETE });
  return async (key) => {
    const token = randomBytes(16).toString('base64url');
    const answer = await redis.set(key, token, 'PX', TTL_MS, 'NX');
    if (answer !== 'OK') throw new Error(`"${key}" is busy.`);
    return () => redis.compareAndDelete(key, token);
  };
}
