// @ts-check
// Redis' own time for one uncontended lock and its release, against what every other program does:
// SET key token NX PX, then a script that compares and deletes. Printed as a ratio.
import { LockService } from '../../dist/esm/index.js';
import { percentile, withRedis } from './bench-redis.mjs';

const LOCKS = Number(process.argv[2] ?? 10_000);
const ROUNDS = 9;
const BATCHES = [1, 50];
const TOKEN = 'a-random-token-of-22-c';
const COMPARE_AND_DELETE =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

await withRedis(async (redis, url) => {
  const locks = new LockService({ connection: url });
  redis.defineCommand('plainRelease', { numberOfKeys: 1, lua: COMPARE_AND_DELETE });

  /** @param {string} key */
  async function plainLock(key) {
    await redis.set(key, TOKEN, 'PX', 30_000, 'NX');
    await /** @type {any} */ (redis).plainRelease(key, TOKEN);
  }

  /** @param {string} key */
  async function ourLock(key) {
    await (await locks.acquire(key)).release();
  }

  /**
   * Microseconds of the server for each lock.
   *
   * @param {(key: string) => Promise<void>} lock
   * @param {number} batch Locks at the same time.
   * @param {readonly string[]} commands What it sends; what scripts call is in the scripts' time.
   */
  async function measure(lock, batch, commands) {
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
    const ours = [];
    const plain = [];
    const ratios = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      plain.push(await measure(plainLock, batch, ['set', 'evalsha']));
      ours.push(await measure(ourLock, batch, ['evalsha']));
      ratios.push(Number(ours.at(-1)) / Number(plain.at(-1)));
    }
    const [our, their, ratio] = [ours, plain, ratios].map((all) => percentile(all, 0.5).toFixed(2));
    console.log(
      `server time a lock, ${batch} at a time: ours ${our} µs, plain SET and script ${their} µs, ` +
        `ratio ${ratio} (medians of ${ROUNDS} rounds of ${LOCKS})`,
    );
  }
  await locks.shutdown();
});
