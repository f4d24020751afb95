// One process of the contended run: callers that want one lock all the time, until told to stop.
import { setTimeout as sleep } from 'node:timers/promises';

import { libraries } from './libraries.mjs';

const [library, callers, holdMs, pauseMs, key, ...urls] = process.argv.slice(2);
const locks = await libraries[library](urls);
const all = Array.from({ length: Number(callers) }, () => ({ waits: [], askedAt: undefined }));
let over = false;
process.once('message', () => {
  for (const caller of all) void call(caller);
  process.once('message', stop);
});
process.send('ready');

async function call(caller) {
  for (;;) {
    if (over) return;
    caller.askedAt ??= performance.now();
    try {
      const release = await locks.acquire(key);
      if (over) return;
      caller.waits.push(performance.now() - caller.askedAt);
      caller.askedAt = undefined;
      if (Number(holdMs) > 0) await sleep(Number(holdMs));
      await release();
      if (Number(pauseMs) > 0) await sleep(Math.random() * Number(pauseMs));
    } catch {
      // Gave up, unserved: asks again, and has waited since it asked first.
    }
  }
}

/** Who waits at the end has waited for so long at least. */
function stop() {
  over = true;
  const now = performance.now();
  const report = all.map(({ waits, askedAt }) => ({
    waits,
    open: askedAt === undefined ? [] : [now - askedAt],
  }));
  process.send(report);
}
