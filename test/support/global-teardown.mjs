// @ts-check
import { once } from 'node:events';

import { removeTemporaryDirectory } from './spawn-redis.mjs';

const EXIT_WITHIN_MS = 15_000;

/** Stops the shared Redis server; fails the run when something holds the process afterwards. */
export default async function tearDown() {
  const { child, dir } = /** @type {any} */ (globalThis).__sharedRedis;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  removeTemporaryDirectory(dir);
  setTimeout(() => {
    console.error(`Still open after the run: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, EXIT_WITHIN_MS).unref();
}
