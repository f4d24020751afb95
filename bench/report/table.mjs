import { View } from '../figures/view.mjs';
import { judge, short } from './judge.mjs';

const COLUMNS = [
  ['perSecond', 'a second'],
  ['waitP50Ms', 'wait p50, ms'],
  ['waitP99Ms', 'p99'],
  ['callerP99Ms', 'p99 by caller'],
  ['waitMaxMs', 'max'],
  ['cycleP50Ms', 'with release p50'],
  ['jain', 'Jain'],
  ['neverServed', 'never served'],
  ['ownAgain', 'same caller again'],
  ['handoverP50Ms', 'hand-over p50'],
  ['handoverP99Ms', 'hand-over p99'],
  ['commands', 'commands'],
  ['serverUs', 'server µs'],
  ['clientCpuUs', 'client µs'],
  ['loopDelayP99Ms', 'loop delay p99'],
  ['sectionShare', 'sections / wall'],
  ['wallToSections', 'wall / sections'],
  ['served', 'served'],
  ['perfectP99Ms', 'p99 of a perfect queue'],
  ['acquirePerSecond', 'taken a second'],
  ['renewalCpuShare', 'share of a core'],
  ['shortestLeaseMs', 'shortest lease left, ms'],
  ['lateRenewals', 'late renewals'],
  ['lost', 'lost'],
  ['overlaps', 'overlaps'],
  ['errors', 'errors'],
  ['workersLost', 'workers lost'],
];

/** The medians of one work: a heading, then a row for each library; columns that nobody fills are left out. */
export function workTable(work, runs) {
  const view = new View(runs);
  const columns = COLUMNS.filter(([figure]) =>
    work.libraries.some((library) => view.series(work.name, library, figure).length > 0),
  );
  const rows = work.libraries.map((library) => [
    library,
    ...columns.map(([figure]) => short(view.median(work.name, library, figure))),
  ]);
  return [['', ...columns.map(([, title]) => title)], ...rows];
}

export function targetTable(runs) {
  const rows = judge(new View(runs)).map((entry) => [
    entry.work,
    entry.what,
    entry.against,
    entry.target,
    short(entry.measured),
    `${short(entry.lowest)} – ${short(entry.highest)}`,
    entry.reached ? 'yes' : 'no',
  ]);
  return [['Work', 'Ours', 'against', 'target', 'median', 'spread', 'reached'], ...rows];
}

/** Lines for a terminal. */
export function toText(table) {
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A Markdown table as prettier writes it: `text` columns to the left, the rest to the right. */
export function toMarkdown([head, ...rows], text = 1) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, i) => (i < text ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i < text ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}
