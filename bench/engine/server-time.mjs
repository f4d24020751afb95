// @ts-check
// Redis' own time for one uncontended lock and its release, against what every other program does:
// SET key token NX PX, then a script that compares and deletes. Printed as a ratio.
import { LockService } from '../../dist/esm/index.js';
import { percentile, withRedis } from './bench-redis.mjs';

const LOCKS = Number(process.argv[2] ?? 10_000);
const ROUNDS = 9;
const BATCH = 50;
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
   * @param {readonly string[]} commands What it sends; what scripts call is in the scripts' time.
   */
  async function measure(lock, commands) {
    await redis.config('RESETSTAT');
    for (let i = 0; i < LOCKS; i += BATCH)
      await Promise.all(Array.from({ length: BATCH }, (_, j) => lock(`order:${i + j}`)));
    const stats = await redis.info('commandstats');
    const spent = commands.map(
      (name) => new RegExp(`cmdstat_${name}:calls=\\d+,usec=(\\d+)`).exec(stats)?.[1],
    );
    return spent.reduce((sum, usec) => sum + Number(usec), 0) / LOCKS;
  }

  const ours = [];
  const plain = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    plain.push(await measure(plainLock, ['set', 'evalsha']));
    ours.push(await measure(ourLock, ['evalsha']));
  }
  await locks.shutdown();

  const told = [0, 0.5].map((share) => {
    const [our, their] = [percentile(ours, share), percentile(plain, share)];
    return `ours ${our.toFixed(2)} µs, plain SET and script ${their.toFixed(2)} µs, ratio ${(our / their).toFixed(2)}`;
  });
  console.log(`server time a lock, best of ${ROUNDS} rounds of ${LOCKS}: ${told[0]}`);
  console.log(`server time a lock, median: ${told[1]}`);
});
