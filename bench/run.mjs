// Our lock beside others, on real servers: npm run bench -- --help
import { fileURLToPath } from 'node:url';

import { readOptions } from './options.mjs';
import { Progress } from './progress.mjs';
import { describeMachine } from './report/machine.mjs';
import { writeResults } from './report/results.mjs';
import { targetTable, toText, workTable } from './report/table.mjs';
import { Servers } from './servers.mjs';
import { works as allWorks } from './works/index.mjs';

const DOCS = fileURLToPath(new URL('../docs/benchmarks', import.meta.url));

const options = readOptions();
const works = select();
const runs = [];
const servers = new Servers();
try {
  const machine = await describeMachine(servers);
  await run();
  for (const work of works)
    console.log(`\n${work.name}: ${work.title}\n${toText(workTable(work, runs))}`);
  console.log(`\n${toText(targetTable(runs))}`);
  const isWhole = options.works === undefined && options.libraries === undefined;
  const out = options.out ?? (isWhole ? DOCS : undefined);
  if (out !== undefined) writeResults(out, { machine, options, works, runs });
} finally {
  servers.close();
}

/** Everything in every round; libraries take turns at being first. */
async function run() {
  const perRound = works.reduce((count, work) => count + work.libraries.length, 0);
  const progress = new Progress(perRound * options.rounds);
  for (let round = 0; round < options.rounds; round += 1)
    for (const work of works)
      for (const library of rotated(work.libraries, round)) {
        progress.step(`round ${round + 1}/${options.rounds}, ${work.name}, ${library}`);
        await servers.flush();
        runs.push({ round, work: work.name, library, figures: await figuresOf(work, library) });
      }
  progress.end();
}

/** A library that fails costs its own figures, not the hour. */
async function figuresOf(work, library) {
  try {
    return await work.run(library, { servers, seconds: options.seconds });
  } catch (error) {
    console.error(`\n${work.name}, ${library}: ${error.message}`);
    return { errors: 1, firstError: String(error) };
  }
}

function rotated(list, by) {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

function select() {
  known('works', options.works, new Set(allWorks.map(({ name }) => name)));
  known('libraries', options.libraries, new Set(allWorks.flatMap((work) => work.libraries)));
  const chosen = (list, name) => list === undefined || list.includes(name);
  return allWorks
    .filter(({ name }) => chosen(options.works, name))
    .map((work) => ({
      ...work,
      libraries: work.libraries.filter((name) => chosen(options.libraries, name)),
    }))
    .filter(({ libraries }) => libraries.length > 0);
}

function known(option, chosen = [], names) {
  const strange = chosen.filter((name) => !names.has(name));
  if (strange.length === 0) return;
  console.error(`--${option}: no "${strange.join('", "')}". There are: ${[...names].join(', ')}`);
  process.exit(1);
}
