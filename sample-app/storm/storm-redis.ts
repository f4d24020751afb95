import type { StormRedis } from '../store/local-redis.js';
import { openRedis, showUrl } from '../open-redis.js';
import { startLocalRedis } from '../store/local-redis.js';

/**
 * Takes the Redis at `url`; without one starts a server of its own.
 *
 * @throws {StartError} No Redis to be had.
 */
export async function stormRedis(url: string | undefined): Promise<StormRedis> {
  if (url === undefined) return startLocalRedis();
  (await openRedis(url)).disconnect();
  return { url, name: `Redis at ${showUrl(url)}`, stop: async () => {} };
}
