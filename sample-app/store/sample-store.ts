import { openRedis, showUrl } from '../open-redis.js';
import { StartError } from '../start-error.js';
import type { Settings } from '../settings.js';
import { startLocalRedis } from './local-redis.js';

/** Where the sample keeps stock and locks. */
export interface SampleStore {
  /** `undefined`: in the memory of this process. */
  readonly url: string | undefined;
  /** For people. */
  readonly name: string;
  /** Ends a server that was started for the sample; leaves another one alone. */
  stop(): Promise<void>;
}

const USUAL_URL = 'redis://127.0.0.1:6379';

/**
 * Takes the Redis that the settings name; else the usual one of this machine, else a `redis-server` that
 * it starts, else memory.
 *
 * @throws {StartError} The Redis that was named can't be used.
 */
export async function findStore({ redisUrl, memory }: Settings): Promise<SampleStore> {
  if (memory) return inMemory('as asked for');
  if (redisUrl !== undefined) return at(redisUrl);
  try {
    return await at(USUAL_URL);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
  }
  try {
    return await startLocalRedis();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return inMemory('there is no Redis at 127.0.0.1:6379 and no redis-server on PATH');
  }
}

async function at(url: string): Promise<SampleStore> {
  console.log(`Connecting to ${showUrl(url)} …`);
  (await openRedis(url)).disconnect();
  return { url, name: `Redis at ${showUrl(url)}`, stop: async () => {} };
}

function inMemory(why: string): SampleStore {
  return { url: undefined, name: `the memory of this process (${why})`, stop: async () => {} };
}
