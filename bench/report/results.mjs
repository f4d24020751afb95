import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { charts, HANDOVERS } from './charts.mjs';
import { targetTable, toMarkdown, workTable } from './table.mjs';

const RATIO_NOTE = `Ratios are ours to theirs in the same round; the median of the rounds is judged, the spread is the lowest
and the highest. The best peer for throughput is the one with the highest, however unfair; for a wait or a
latency the one with the lowest.`;

/**
 * Writes results.json, results.md and the charts.
 *
 * @param {string} dir
 * @param {{ machine: Record<string, any>, options: Record<string, any>, works: any[], runs: any[] }} results
 */
export function writeResults(dir, results) {
  mkdirSync(dir, { recursive: true });
  const { machine, options, runs } = results;
  const works = results.works.map(({ name, title, libraries, waiters }) => ({
    name,
    title,
    libraries,
    waiters,
  }));
  writeFileSync(join(dir, 'results.json'), toJson({ machine, options, works, runs }));
  writeFileSync(join(dir, 'results.md'), toPage({ machine, options, works, runs }));
  for (const { file, svg } of charts(works, runs)) writeFileSync(join(dir, file), svg);
}

function toPage({ machine, options, works, runs }) {
  const { versions, ...where } = machine;
  return [
    '# Results',
    `Written by \`npm run bench\`; [what the numbers say and what they do not](README.md).`,
    `${where.cpu}, ${where.memoryGiB} GiB, ${where.system}; Node ${where.node}, Redis ${where.redis} with default settings and no persistence, all on this machine. Load at the start ${where.loadAtStart.toFixed(1)}. ${options.rounds} rounds, ${options.seconds} s a run.`,
    toMarkdown([['Library', 'version'], ...Object.entries(versions)], 2),
    '## Targets',
    RATIO_NOTE,
    toMarkdown(targetTable(runs), 3),
    ...works.flatMap((work) => [
      `## ${work.name}: ${work.title}`,
      toMarkdown(workTable(work, runs)),
    ]),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** One run a line. Only the work that is charted keeps its histogram: they are most of the size. */
function toJson({ runs, ...rest }) {
  const kept = runs.map(({ figures: { histogram, ...figures }, ...run }) => ({
    ...run,
    figures: run.work === HANDOVERS ? { ...figures, histogram } : figures,
  }));
  const lines = kept.map((run) => `    ${JSON.stringify(run, rounded)}`).join(',\n');
  const head = JSON.stringify(rest, undefined, 2).replace(/\n\}$/, '');
  return `${head},\n  "runs": [\n${lines}\n  ]\n}\n`;
}

function rounded(_, value) {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
