// Takes locks and drops them, under --expose-gc; tells what is held after that, and what it was warned of.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

import { LockService } from '../../dist/esm/index.js';
import { tell } from './parent.mjs';

const locks = new LockService(JSON.parse(process.argv[2] ?? '{}'));
/** @type {unknown[]} */
const kept = [];
/** @type {string[]} */
const warnings = [];
process.on('warning', ({ message }) => warnings.push(message));

async function drop() {
  await locks.acquire('dropped', { label: 'leaky' });
  await locks.tryAcquire('tried');
  const released = await locks.acquire('released');
  await released.release();
  kept.push(await locks.acquire('kept'));
  const { signal } = await locks.acquire('listened-to');
  signal.addEventListener('abort', () => {});
  await locks.withLock('section', async () => {
    await locks.acquire('section', { label: 'nested' });
  });
  return (await locks.acquire('told')).signal;
}

/** What refers to a lock after its release. */
async function use() {
  const lock = await locks.acquire('used');
  await lock.release();
  return new WeakRef(lock);
}

const used = await use();
await turn();
/** @type {any} */ (globalThis).gc();
const isKept = used.deref() !== undefined;

const signal = await drop();
for (let i = 0; i < 500 && (i < 30 || warnings.length < 4); i += 1) {
  /** @type {any} */ (globalThis).gc();
  await sleep(20);
}
/** @type {string[]} */
const held = [];
for await (const { key } of locks.list()) held.push(key);
tell('collected', { held: held.toSorted(), reason: signal.reason?.code, warnings, isKept });
await locks.shutdown();
