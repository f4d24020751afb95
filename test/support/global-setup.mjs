// @ts-check
import { freePort, makeTemporaryDirectory, spawnRedis } from './spawn-redis.mjs';

/** Starts the Redis server that all test files share; see `shared-redis.ts`. */
export default async function setUp() {
  const dir = makeTemporaryDirectory();
  const port = await freePort();
  const child = await spawnRedis({ args: ['--databases', '1'], port, dir });
  process.env['TEST_REDIS_URL'] = `redis://127.0.0.1:${port}`;
  Object.assign(globalThis, { __sharedRedis: { child, dir } });
}
