// Waits many times on one AbortSignal; tells what Node warned of, and how many listeners are left.
import { getEventListeners } from 'node:events';

import { LockService } from '../../dist/esm/index.js';
import { tell } from './parent.mjs';

const locks = new LockService({ connection: 'memory' });
/** @type {string[]} */
const warnings = [];
process.on('warning', ({ message }) => warnings.push(message));

const { signal } = new AbortController();
const waits = (/** @type {string} */ key) =>
  Promise.all(Array.from({ length: 25 }, () => locks.withLock(key, () => {}, { signal })));
await Promise.all([waits('a'), waits('b')]);
await locks.withLock('a', async (lock) => {
  for (let i = 0; i < 25; i += 1) lock.signal.addEventListener('abort', () => {});
  await waits('a');
});
await new Promise((resolve) => setImmediate(resolve));
tell('waited', { warnings, listeners: getEventListeners(signal, 'abort').length });
await locks.shutdown();
