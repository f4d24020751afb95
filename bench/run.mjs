// Our lock beside others, on real servers: npm run bench -- --help
import { readOptions } from './options.mjs';
import { Progress } from './progress.mjs';
import { printWork } from './report/table.mjs';
import { Servers } from './servers.mjs';
import { works as allWorks } from './works/index.mjs';

const options = readOptions();
const works = select();
const runs = [];
const servers = new Servers();
try {
  await run();
} finally {
  servers.close();
}
for (const work of works) printWork(work, runs);

/** Everything in every round; libraries take turns at being first. */
async function run() {
  const perRound = works.reduce((count, work) => count + work.libraries.length, 0);
  const progress = new Progress(perRound * options.rounds);
  for (let round = 0; round < options.rounds; round += 1)
    for (const work of works)
      for (const library of rotated(work.libraries, round)) {
        progress.step(`round ${round + 1}/${options.rounds}, ${work.name}, ${library}`);
        await servers.flush();
        const figures = await work.run(library, { servers, seconds: options.seconds });
        runs.push({ round, work: work.name, library, figures });
      }
  progress.end();
}

function rotated(list, by) {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

function select() {
  const chosen = (list, name) => list === undefined || list.includes(name);
  return allWorks
    .filter(({ name }) => chosen(options.works, name))
    .map((work) => ({
      ...work,
      libraries: work.libraries.filter((name) => chosen(options.libraries, name)),
    }))
    .filter(({ libraries }) => libraries.length > 0);
}
