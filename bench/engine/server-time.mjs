// @ts-check
// Redis' own time for one uncontended lock and its release, against what every other program does:
// SET key token NX PX, then a script that compares and deletes. With the entry file of another
// build of this package, say of the last release, against that one too.
//
//   node bench/engine/server-time.mjs [slices] [path of the other build's index.js]
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { LockService } from '../../dist/esm/index.js';
import { withRedis } from './bench-redis.mjs';
import { inSlices, percentile, ratioQuartiles } from './slices.mjs';

const SLICES = Number(process.argv[2] ?? 200);
const OTHER_BUILD = process.argv[3];
/** Short, so that what the machine does beside it falls on all alike. */
const LOCKS = 200;
const BATCHES = [1, 50];
const TOKEN = 'a-random-token-of-22-c';
const COMPARE_AND_DELETE =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/**
 * One way to lock and release.
 *
 * @typedef {object} Way
 * @property {string} name
 * @property {(key: string) => Promise<void>} lock
 * @property {readonly string[]} commands What it sends; what scripts call is in the scripts' time.
 */

await withRedis(async (redis, url) => {
  redis.defineCommand('plainRelease', { numberOfKeys: 1, lua: COMPARE_AND_DELETE });
  const own = new LockService({ connection: url });
  const services = [own];
  /** @type {Way[]} */
  const ways = [
    { name: 'this build', lock: lockWith(own), commands: ['evalsha'] },
    { name: 'plain SET and script', lock: plainLock, commands: ['set', 'evalsha'] },
  ];
  if (OTHER_BUILD !== undefined) {
    const other = await import(pathToFileURL(resolve(OTHER_BUILD)).href);
    const service = new other.LockService({ connection: url });
    services.push(service);
    ways.push({ name: 'the other build', lock: lockWith(service), commands: ['evalsha'] });
  }

  /** @param {string} key */
  async function plainLock(key) {
    await redis.set(key, TOKEN, 'PX', 30_000, 'NX');
    await /** @type {any} */ (redis).plainRelease(key, TOKEN);
  }

  /**
   * Microseconds of the server for each lock.
   *
   * @param {Way} way
   * @param {number} batch Locks at the same time.
   */
  async function measure({ lock, commands }, batch) {
    await redis.config('RESETSTAT');
    for (let i = 0; i < LOCKS; i += batch)
      await Promise.all(Array.from({ length: batch }, (_, j) => lock(`order:${i + j}`)));
    const stats = await redis.info('commandstats');
    const spent = commands.map(
      (name) => new RegExp(`cmdstat_${name}:calls=\\d+,usec=(\\d+)`).exec(stats)?.[1],
    );
    return spent.reduce((sum, usec) => sum + Number(usec), 0) / LOCKS;
  }

  for (const batch of BATCHES) {
    const times = await inSlices(ways, SLICES, (way) => measure(way, batch));
    console.log(`\nserver time a lock, ${batch} at a time (medians of ${SLICES} slices)`);
    const [ours = []] = times;
    for (const [i, { name }] of ways.entries()) {
      const theirs = times[i] ?? [];
      const [, ratio = NaN] = ratioQuartiles(ours, theirs);
      const against = i === 0 ? '' : `, this build takes ${ratio.toFixed(3)} of it`;
      console.log(`  ${name}: ${percentile(theirs, 0.5).toFixed(2)} µs${against}`);
    }
  }
  for (const service of services) await service.shutdown();
});

/** @param {{ acquire(key: string): Promise<{ release(): Promise<unknown> }> }} locks */
function lockWith(locks) {
  return async (/** @type {string} */ key) => {
    await (await locks.acquire(key)).release();
  };
}
