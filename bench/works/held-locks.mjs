import { Redis } from 'ioredis';

import { ask, message, start } from '../children.mjs';
import { OURS } from '../libraries/index.mjs';
import { now, sleep } from '../load/clock.mjs';

const COUNT = 100_000;
// Ours by default: a lease of 30 s, renewed at a third. In 20 s each lock is renewed twice.
const TTL_MS = 30_000;
const RENEWALS = 2;
const HOLD_MS = (TTL_MS / 3) * RENEWALS;
/** A renewal is late when less of the lease is left than this: due at two thirds, and 1 s for the way. */
const LATE_BELOW_MS = (TTL_MS * 2) / 3 - 1000;
const LOOK_EVERY_MS = 500;
const LOOK_AT = 2000;
const WITHIN_MS = 120_000;

/** What it costs to keep many locks: they are taken, and held for two renewals each. */
export const heldLocks = {
  name: 'held-100k',
  title: `${COUNT} held locks, a lease of ${TTL_MS / 1000} s`,
  libraries: [OURS],
  async run(_, { servers }) {
    const [url] = await servers.urls(1);
    const redis = new Redis(url);
    const holder = start('held/holder.mjs');
    try {
      const startedAt = now();
      await ask(holder, { url, count: COUNT, holdMs: HOLD_MS }, WITHIN_MS);
      const heldAt = now();
      await servers.startCounting();
      const answer = message(holder, HOLD_MS + WITHIN_MS);
      const leases = await watch(redis, heldAt + HOLD_MS);
      const { cpuUs, ...rest } = await answer;
      const { commands, serverUs } = await servers.counted([]);
      return {
        acquirePerSecond: (COUNT / (heldAt - startedAt)) * 1000,
        renewalCpuShare: cpuUs / 1000 / HOLD_MS,
        ...leases,
        ...rest,
        commands: commands / (COUNT * RENEWALS),
        serverUs: serverUs / (COUNT * RENEWALS),
      };
    } finally {
      redis.disconnect();
      holder.kill('SIGKILL');
    }
  },
};

/** Looks at the leases of some locks again and again: what is the least that was left of one? */
async function watch(redis, until) {
  let shortestLeaseMs = Infinity;
  let late = 0;
  for (let first = 0; now() < until; first = (first + 1) % (COUNT / LOOK_AT)) {
    const looks = redis.pipeline();
    for (let i = first; i < COUNT; i += COUNT / LOOK_AT) looks.pttl(`lock:held:${i}`);
    for (const [, left] of await looks.exec()) {
      shortestLeaseMs = Math.min(shortestLeaseMs, left);
      if (left < LATE_BELOW_MS) late += 1;
    }
    await sleep(LOOK_EVERY_MS);
  }
  return { shortestLeaseMs, lateRenewals: late };
}
