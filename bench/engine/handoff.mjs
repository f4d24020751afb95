// @ts-check
// How long after a release the waiter of another process enters: percentiles of many hand-overs.
// Processes of one machine have one monotonic clock.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { LockService } from '../../dist/esm/index.js';
import { withRedis } from './bench-redis.mjs';
import { percentile } from './slices.mjs';

const HANDOVERS = Number(process.argv[2] ?? 1000);

if (process.send === undefined) await withRedis((_, url) => measure(url));
else await waitAgainAndAgain(process.argv[3] ?? '');

/** @param {string} url */
async function measure(url) {
  const child = fork(fileURLToPath(import.meta.url), [String(HANDOVERS), url]);
  const locks = new LockService({ connection: url });
  const delays = [];
  for (let i = 0; i < HANDOVERS; i += 1) {
    const lock = await locks.acquire('k');
    child.send('wait');
    while ((await locks.inspect('k'))?.waiters !== 1) await pause(1);
    // As after work of some length: nothing is warm, nothing on its way.
    await pause(2);
    const entered = new Promise((resolve) => child.once('message', resolve));
    const releasedAt = process.hrtime.bigint();
    await lock.release();
    delays.push((Number(await entered) - Number(releasedAt)) / 1e6);
  }
  child.disconnect();
  await locks.shutdown();
  const [median, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(delays, share));
  console.log(
    `release → enter in another process: median ${median?.toFixed(2)} ms, p95 ${p95?.toFixed(2)} ms, ` +
      `p99 ${p99?.toFixed(2)} ms (${HANDOVERS} hand-overs)`,
  );
}

/** @param {string} url */
async function waitAgainAndAgain(url) {
  const locks = new LockService({ connection: url });
  process.on('message', () => {
    void locks.withLock('k', () => {
      process.send?.(String(process.hrtime.bigint()));
    });
  });
  process.on('disconnect', () => void locks.shutdown());
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
