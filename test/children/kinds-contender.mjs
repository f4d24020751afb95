// A process of the chaos test of kinds: callers that lock in every way, work and release without end.
// Each tells from when until when it was inside and sure of its lock.
import { LockService } from '../../dist/esm/index.js';
import { seededRandom } from '../support/seeded-random.mjs';
import { listen, tell } from './parent.mjs';
import { microseconds, pause, work } from './section-time.mjs';

const { connection, callers, works, seed } = JSON.parse(process.argv[2] ?? '{}');
const locks = new LockService({ connection, commandTimeout: 500, shutdownTimeout: 2000 });
const counts = { sections: 0, lost: 0, refused: 0 };
const stop = new AbortController();
const random = seededRandom(seed);

listen((message) => {
  if (message.type === 'stop') stop.abort();
});
const running = Promise.all(
  Array.from({ length: callers }, (_, i) => caller(`${process.pid}/${i}`)),
);
tell('ready');
await running;
await locks.shutdown();
tell('done', counts);

/** @param {string} name */
async function caller(name) {
  while (!stop.signal.aborted) {
    const { keys, options } = works[Math.floor(random() * works.length)];
    const some = keys.length > 1 && random() < 0.5 ? keys.slice(1).toReversed() : keys;
    const ttl = random() < 0.5 ? 700 : 1500;
    const all = { ...options, ttl, wait: 60_000, label: name };
    try {
      await locks.withLock(some, (lock) => section(name, lock, options), all);
    } catch (error) {
      counts[error.code === 'LOCK_LOST' ? 'lost' : 'refused'] += 1;
      if (error.code !== 'LOCK_LOST') tell('breach', { what: `${name}: ${error.stack}` });
    }
    await pause(random() * 10);
  }
}

/**
 * The work of one section, which stops at once when its lock is lost. Processes of one machine have
 * one monotonic clock.
 *
 * @param {string} name
 * @param {import('../../dist/esm/index.js').Lock} lock
 * @param {object} options
 */
async function section(name, lock, options) {
  const from = lock.remainingMs > 0 ? microseconds() : Infinity;
  counts.sections += 1;
  const until = await work(lock, from, random() * (random() < 0.05 ? 900 : 25));
  if (from === Infinity) return;
  const { keys, fencingToken: fence } = lock;
  for (const key of keys) tell('section', { name, key, fence, from, until, ...options });
}
