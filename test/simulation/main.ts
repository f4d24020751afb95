// npm run simulate: many schedules. The first that shows a breach is made small and told.
//   -- --minutes 60       for so long
//   -- --schedules 1000   so many
//   -- --from 1           from this seed on
//   -- --seed 7           one schedule, with its trace
//   -- --family forgets   those of one family (schedule.ts)
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { type Family, scheduleOf } from './schedule.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';

/** What a thread tells of a schedule. */
interface Told {
  readonly seed: number;
  readonly sections: number;
  readonly violation: string | undefined;
}

/** Which schedules a thread runs. */
interface Share {
  readonly from: number;
  readonly step: number;
  readonly count: number;
  readonly seconds: number;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    schedules: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string' },
    family: { type: 'string' },
    brief: { type: 'boolean', default: false },
  },
});

const family = values.family as Family | undefined;

if (!isMainThread) await runShare(workerData as Share);
else if (values.seed !== undefined) await replay(Number(values.seed));
else await search();

async function replay(seed: number): Promise<void> {
  const { violations, log } = await simulate(scheduleOf(seed, family), true);
  console.log(log.join('\n'));
  console.log(violations.length === 0 ? 'Nothing was violated.' : violations.join('\n'));
  process.exitCode = violations.length === 0 ? 0 : 1;
}

async function runShare({ from, step, count, seconds }: Share): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (let i = 0; i < count && performance.now() < until; i += 1) {
    const seed = from + i * step;
    const { violations, sections } = await simulate(scheduleOf(seed, family));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    parentPort!.postMessage({ seed, sections, violation: violations[0] } satisfies Told);
    if (violations.length > 0) return;
  }
}

async function search(): Promise<void> {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const limit = Number(values.minutes ?? (values.schedules === undefined ? 1 : Infinity)) * 60;
  const most = Number(values.schedules ?? Infinity);
  const first = Number(values.from ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`Seeds from ${first} on.`);
  let [count, sections, told] = [0, 0, 0];
  const broken = await shared(first, most, limit, (one) => {
    count += 1;
    sections += one.sections;
    if (seconds() - told < 10) return;
    told = seconds();
    console.log(
      `${told.toFixed(0).padStart(6)} s  ${count} schedules, ${sections} sections, nothing violated`,
    );
  });
  const after = `${seconds().toFixed(1)} s`;
  if (broken === undefined)
    return console.log(
      `${count} schedules with ${sections} sections in ${after}: nothing was violated.`,
    );
  process.exitCode = 1;
  console.log(`Seed ${broken.seed}, after ${after}: ${broken.violation}`);
  if (!values.brief) await explain(broken.seed);
}

/** Runs them on all cores; returns the first of which a thread told that it is broken. */
function shared(
  first: number,
  most: number,
  seconds: number,
  onTold: (told: Told) => void,
): Promise<Told | undefined> {
  const step = Math.min(most, availableParallelism());
  return new Promise((resolve, reject) => {
    let running = step;
    const threads = Array.from({ length: step }, (_, i) => {
      const count = Math.ceil((most - i) / step);
      const share: Share = { from: first + i, step, count, seconds };
      return new Worker(fileURLToPath(import.meta.url), {
        argv: process.argv.slice(2),
        workerData: share,
      });
    });
    const end = (broken?: Told): void => {
      for (const thread of threads) void thread.terminate();
      resolve(broken);
    };
    for (const thread of threads) {
      thread.on('message', (told: Told) => {
        if (told.violation === undefined) onTold(told);
        else end(told);
      });
      thread.on('error', reject);
      thread.on('exit', () => (running -= 1) === 0 && end());
    }
  });
}

async function explain(seed: number): Promise<void> {
  const small = await shrink(scheduleOf(seed, family));
  console.log((await simulate(small, true)).log.slice(-150).join('\n'));
  console.log(`Faults that it takes: ${JSON.stringify(small.faults)}`);
  const only = family === undefined ? '' : ` --family ${family}`;
  console.log(`Again: npm run simulate -- --seed ${seed}${only}`);
}
