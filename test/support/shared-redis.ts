import { randomBytes } from 'node:crypto';

/**
 * URL of the Redis server that all test files of a run share. Its keys belong to many tests:
 * take a prefix of your own, and start a `RedisServer` for anything that stops, freezes,
 * flushes or reconfigures it.
 */
export function sharedRedisUrl(): string {
  const url = process.env['TEST_REDIS_URL'];
  if (url === undefined) throw new Error('TEST_REDIS_URL is unset: run the tests with jest.');
  return url;
}

/** Port of `sharedRedisUrl()` on loopback. */
export function sharedRedisPort(): number {
  return Number(new URL(sharedRedisUrl()).port);
}

/** A key prefix that no other test has. */
export function uniquePrefix(): string {
  return `test:${randomBytes(6).toString('hex')}:`;
}
