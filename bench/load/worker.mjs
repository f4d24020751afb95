// One process of a work: opens a library, says that it is ready, drives its callers for the span that
// it is told, and reports everything at once.
import { once } from 'node:events';

import { libraries, RING } from '../libraries/index.mjs';
import { arrivals } from './arrivals.mjs';
import { burst } from './burst.mjs';
import { Callers } from './callers.mjs';
import { now, until as instant } from './clock.mjs';
import { closedLoop } from './closed-loop.mjs';
import { startMeter } from './meter.mjs';

const WARM_UP_TURNS = 50;
const loads = { closedLoop, burst, arrivals };

process.once('disconnect', () => process.exit());
const [{ library, urls, load }] = await once(process, 'message');
const run = library === RING ? await ring(urls, load) : await callersOf(library, urls, load);
const told = once(process, 'message');
process.send('ready');
const [span] = await told;
const meter = startMeter(span);
await instant(span.startAt);
await Promise.race([run.start(span), instant(span.deadline)]);
if (!run.endsEarly) await instant(span.until);
process.send({ ...run.report(), ...meter.read(), reportedAt: now() });

async function callersOf(library, urls, load) {
  const acquire = await libraries.get(library).open(urls);
  for (let turn = 0; turn < WARM_UP_TURNS; turn += 1)
    await (
      await acquire(`warm-up:${load.index}`)
    )();
  const callers = new Callers(acquire);
  return {
    start: (span) => loads[load.kind](callers, load, span),
    endsEarly: load.kind === 'burst',
    report: () => ({
      samples: callers.samples.toArray(),
      waiting: callers.waiting(),
      errors: callers.errors,
      firstError: callers.firstError,
    }),
  };
}

async function ring([url], load) {
  const { openRing } = await import('./ring.mjs');
  const { samples, start } = await openRing(url, load);
  return {
    start,
    endsEarly: false,
    report: () => ({ samples: samples.toArray(), waiting: new Float64Array(), errors: 0 }),
  };
}
