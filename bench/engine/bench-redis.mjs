// @ts-check
import { once } from 'node:events';
import { Redis } from 'ioredis';

import {
  freePort,
  makeTemporaryDirectory,
  removeTemporaryDirectory,
  spawnRedis,
} from '../../test/support/spawn-redis.mjs';

/**
 * Runs `measure` against a Redis server that nobody else uses.
 *
 * @param {(redis: Redis, url: string) => Promise<void>} measure
 */
export async function withRedis(measure) {
  const dir = makeTemporaryDirectory();
  const port = await freePort();
  const server = await spawnRedis({ args: [], port, dir });
  const url = `redis://127.0.0.1:${port}`;
  const redis = new Redis(url);
  try {
    await measure(redis, url);
  } finally {
    redis.disconnect();
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    removeTemporaryDirectory(dir);
  }
}
