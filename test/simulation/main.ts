// npm run simulate: many schedules, one after the other. The first that shows a breach is made small and told.
//   -- --minutes 60       for so long
//   -- --schedules 1000   so many
//   -- --seed 7 --nodes 3 one schedule, with its trace
import { parseArgs } from 'node:util';

import { REFERENCE_SCRIPTS, type ScriptRun } from './reference-scripts.js';
import { scheduleOf } from './schedule.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    schedules: { type: 'string' },
    seed: { type: 'string' },
    nodes: { type: 'string' },
    from: { type: 'string' },
    sabotage: { type: 'boolean', default: false },
  },
});
const nodesOf = (i: number): number =>
  values.nodes === undefined ? (i % 4 === 3 ? 3 : 1) : Number(values.nodes);

// A server that confirms every lease, to show that a breach is seen.
if (values.sabotage)
  Object.assign(REFERENCE_SCRIPTS, {
    renew: ({ us, args }: ScriptRun) => [us, ...args.filter((_, i) => i % 2 === 1).map(() => 0)],
  });

if (values.seed !== undefined) await replay(Number(values.seed), nodesOf(0));
else await search();

async function replay(seed: number, nodes: number): Promise<void> {
  const { violations, log } = await simulate(scheduleOf(seed, nodes), true);
  console.log(log.join('\n'));
  console.log(violations.length === 0 ? 'Nothing was violated.' : violations.join('\n'));
  process.exitCode = violations.length === 0 ? 0 : 1;
}

async function search(): Promise<void> {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const until = Number(values.minutes ?? (values.schedules === undefined ? 1 : Infinity)) * 60;
  const most = Number(values.schedules ?? Infinity);
  const first = Number(values.from ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`Seeds from ${first} on.`);
  let sections = 0;
  let told = 0;
  let count = 0;
  for (; count < most && seconds() < until; count += 1) {
    const seed = first + count;
    const nodes = nodesOf(count);
    const schedule = scheduleOf(seed, nodes);
    const outcome = await simulate(schedule);
    sections += outcome.sections;
    if (outcome.violations.length > 0) {
      console.log(
        `Seed ${seed}, ${nodes} nodes, after ${seconds().toFixed(1)} s: ${outcome.violations[0]}`,
      );
      const small = await shrink(schedule);
      console.log((await simulate(small, true)).log.slice(-150).join('\n'));
      console.log(`Faults that it takes: ${JSON.stringify(small.faults)}`);
      console.log(`Again: npm run simulate -- --seed ${seed} --nodes ${nodes}`);
      process.exitCode = 1;
      return;
    }
    if (seconds() - told > 10) {
      told = seconds();
      console.log(
        `${told.toFixed(0).padStart(6)} s  ${count + 1} schedules, ${sections} sections, nothing violated`,
      );
    }
  }
  console.log(
    `${count} schedules with ${sections} sections in ${seconds().toFixed(1)} s: nothing was violated.`,
  );
}
