// A process of the chaos tests: callers that lock in every way, work and release without end. Each tells from
// when until when it was inside and sure of its lock, and writes its number to a table in a server of its own,
// which no fault reaches and which takes only rising numbers.
import { Redis } from 'ioredis';

import { LockService } from '../../dist/esm/index.js';
import { seededRandom } from '../support/seeded-random.mjs';
import { listen, tell } from './parent.mjs';
import { microseconds, pause, sureAt, work } from './section-time.mjs';

/** How long after its `wait` a call may settle on a machine on which processes are stopped. */
const LATE_MS = 10_000;
/** Nobody waits for so long, however slow the machine and whatever failed meanwhile. */
const PATIENCE_MS = 180_000;

const settings = JSON.parse(process.argv[2] ?? '{}');
const { options, tableUrl, callers, works, ttls, seed } = settings;
const locks = new LockService({ commandTimeout: 500, shutdownTimeout: 2000, ...options });
const table = new Redis(tableUrl);
const random = seededRandom(seed);
const stop = new AbortController();
const counts = { sections: 0, lost: 0, refused: 0, fenced: 0 };
/** Calls for each key so far, and the last that entered. */
const calls = new Map();
const entered = new Map();

/** Writes a number: 1 when it is larger than all before, and the largest so far. */
table.defineCommand('write', {
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
table.disconnect();
tell('done', counts);

/** @param {string} name */
async function caller(name) {
  while (!stop.signal.aborted) {
    const { keys, options: kind = {} } = pick(works);
    const some = keys.length > 1 && random() < 0.5 ? keys.slice(1).toReversed() : keys;
    const wait = random() < 0.2 ? 4000 : PATIENCE_MS;
    const call = { name, kind, asked: microseconds(), place: placeOf(some, kind) };
    const terms = { ...kind, ttl: pick(ttls), wait, label: name };
    const calledAt = performance.now();
    try {
      await locks.withLock(some, (lock) => section(call, lock), terms);
    } catch (error) {
      refused(name, error, wait, performance.now() - calledAt);
    }
    if (random() < 0.3) await pause(random() * 10);
  }
}

/**
 * @param {string} name
 * @param {Error & { code?: string }} error
 * @param {number} wait
 * @param {number} took
 */
function refused(name, error, wait, took) {
  if (error.code === 'LOCK_LOST') {
    counts.lost += 1;
    return;
  }
  counts.refused += 1;
  const isExpected = error.code === 'LOCK_TIMEOUT' || error.code === 'LOCK_UNAVAILABLE';
  if (!isExpected || wait === PATIENCE_MS || took < wait - 5 || took > wait + LATE_MS)
    tell('breach', {
      what: `${name}, wait ${wait}, after ${took} ms: ${error.stack} ${String(error.cause)}`,
    });
}

/** The place in the order of calls; only calls for one exclusive lock have one. */
function placeOf(keys, kind) {
  if (keys.length > 1 || Object.keys(kind).length > 0) return undefined;
  const place = (calls.get(keys[0]) ?? 0) + 1;
  calls.set(keys[0], place);
  return place;
}

/** Callers of one process enter in the order of their calls. */
function checkOrder({ name, place }, key) {
  if (place === undefined) return;
  const last = entered.get(key) ?? 0;
  entered.set(key, Math.max(last, place));
  if (place < last) tell('breach', { what: `${name} entered ${key} as ${place} after ${last}` });
}

/**
 * The work of one section, which stops at once when its lock is lost.
 *
 * @param {{ name: string, kind: object, asked: number, place: number | undefined }} call
 * @param {import('../../dist/esm/index.js').Lock} lock
 */
async function section(call, lock) {
  const { name, kind, asked } = call;
  const { keys, fencingToken: fence } = lock;
  const from = sureAt(lock);
  counts.sections += 1;
  checkOrder(call, keys[0]);
  if (Object.keys(kind).length === 0) await Promise.all(keys.map((key) => write(name, key, lock)));
  const until = await work(lock, from, random() * (random() < 0.05 ? 900 : 25));
  if (from === undefined) return;
  for (const key of keys)
    tell('section', { name, pid: process.pid, key, fence, asked, from, until, ...kind });
}

/**
 * @param {string} name
 * @param {string} key
 * @param {import('../../dist/esm/index.js').Lock} lock
 */
async function write(name, key, lock) {
  const [rises, last] = await table.write(key, lock.fencingToken);
  if (rises === 1) return;
  counts.fenced += 1;
  const at = sureAt(lock);
  if (at === undefined) return;
  const what = `${name} wrote ${lock.fencingToken} in ${key} after ${last}`;
  tell('refused write', { what, at });
}

/**
 * @template T
 * @param {readonly T[]} list
 * @returns {T}
 */
function pick(list) {
  return list[Math.floor(random() * list.length)];
}
