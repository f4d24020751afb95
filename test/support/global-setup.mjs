// @ts-check
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, makeTemporaryDirectory, spawnRedis } from './spawn-redis.mjs';

/** Starts the Redis server that all test files share; see `shared-redis.ts`. */
export default async function setUp() {
  const dir = makeTemporaryDirectory();
  // What the workers share: ports that are taken, and a server.
  process.env['TEST_PORTS'] = join(dir, 'ports');
  mkdirSync(process.env['TEST_PORTS']);
  const port = await freePort();
  const child = await spawnRedis({ args: ['--databases', '1'], port, dir });
  process.env['TEST_REDIS_URL'] = `redis://127.0.0.1:${port}`;
  Object.assign(globalThis, { __sharedRedis: { child, dir } });
}
