import { openRedis, showUrl } from '../open-redis.js';
import { startLocalRedis } from './local-redis.js';

/** The Redis that the buyers share. */
export interface StormRedis {
  readonly url: string;
  /** For people. */
  readonly name: string;
  /** Ends a server that was started for the storm; leaves another one alone. */
  stop(): Promise<void>;
}

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
