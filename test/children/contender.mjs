// A process of the chaos test: callers that lock, work and release without end. Each writes its number
// to a table in a server of its own, which no fault reaches and which takes only rising numbers.
import { Redis } from 'ioredis';

import { LockService } from '../../dist/esm/index.js';
import { seededRandom } from '../support/seeded-random.mjs';
import { listen, tell } from './parent.mjs';
import { microseconds, pause, work } from './section-time.mjs';

const { connection, oracleUrl, callers, keys, seed } = JSON.parse(process.argv[2] ?? '{}');
const locks = new LockService({ connection, commandTimeout: 500, shutdownTimeout: 2000 });
const oracle = new Redis(oracleUrl, { lazyConnect: false });
const random = seededRandom(seed);
const stop = new AbortController();
const counts = { sections: 0, lost: 0, timeout: 0, unavailable: 0, other: 0 };

/** Enters: 1 when the number is larger than all before, and the largest so far. */
oracle.defineCommand('enter', {
  numberOfKeys: 1,
  lua: `
    local last = redis.call('GET', KEYS[1]) or '0'
    if tonumber(ARGV[1]) <= tonumber(last) then return {0, last} end
    redis.call('SET', KEYS[1], ARGV[1])
    return {1, last}`,
});

listen((message) => {
  if (message.type === 'stop') stop.abort();
});
const running = Promise.all(
  Array.from({ length: callers }, (_, i) => caller(`${process.pid}/${i}`)),
);
tell('ready');
await running;
await locks.shutdown();
oracle.disconnect();
tell('done', counts);

/** @param {string} name */
async function caller(name) {
  while (!stop.signal.aborted) {
    const key = keys[Math.floor(random() * keys.length)];
    const ttl = random() < 0.5 ? 700 : 1500;
    try {
      await locks.withLock(key, (lock) => section(name, key, lock), {
        ttl,
        wait: 4000,
        label: name,
      });
    } catch (error) {
      const kind = { LOCK_LOST: 'lost', LOCK_TIMEOUT: 'timeout', LOCK_UNAVAILABLE: 'unavailable' };
      counts[kind[error.code] ?? 'other'] += 1;
      if (kind[error.code] === undefined) tell('breach', { what: `${name}: ${error.stack}` });
    }
    if (random() < 0.3) await pause(random() * 10);
  }
}

/**
 * The work of one section, which stops at once when its lock is lost. It reports from when until
 * when it was inside and sure of its lock; processes of one machine have one monotonic clock.
 *
 * @param {string} name
 * @param {string} key
 * @param {import('../../dist/esm/index.js').Lock} lock
 */
async function section(name, key, lock) {
  const fence = lock.fencingToken;
  const from = lock.remainingMs > 0 ? microseconds() : Infinity;
  const [rises, last] = await oracle.enter(key, fence);
  if (rises === 0 && lock.remainingMs > 0) {
    tell('breach', { what: `${name} wrote ${fence} in ${key} after ${last}` });
  }
  counts.sections += 1;
  const until = await work(lock, from, random() * (random() < 0.05 ? 900 : 25));
  if (from < Infinity) tell('section', { name, key, fence, from, until });
}
