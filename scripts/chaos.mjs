// npm run chaos -- --minutes 30: real servers and processes under faults, for so long in all, one form of Redis
// after the other; with a name (npm run chaos -- cluster) only that one. Ends with a table over all of them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** How many runs each file has, which share the time. */
const RUNS = { 'one-server': 2, 'lost-data': 1, clocks: 1, cluster: 2, sentinel: 1, quorum: 2 };

const { values, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: '5' } },
  allowPositionals: true,
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error('--minutes takes a number above 0.');
const files = positionals.length === 0 ? Object.keys(RUNS) : positionals;
const strangers = files.filter((file) => !(file in RUNS));
if (strangers.length > 0)
  throw new Error(`There is no ${strangers.join()}; there are ${Object.keys(RUNS).join()}.`);

const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
const report = join(folder, 'report');
const runs = files.reduce((sum, file) => sum + RUNS[file], 0);
const specs = files.map((file) => `test/chaos/${file}`);
const { status } = spawnSync(
  process.execPath,
  ['scripts/test.mjs', '--config', 'jest.long.config.js', ...specs],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: {
      ...process.env,
      CHAOS_MS: String(Math.round((minutes * 60_000) / runs)),
      CHAOS_REPORT: report,
    },
  },
);
const lines = existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : [];
rmSync(folder, { recursive: true });
if (lines.length > 0) printSummary(lines.map((line) => JSON.parse(line)));
process.exitCode = status ?? 1;

/** Two tables in Markdown, with a column for each run: what was counted, and the faults. */
function printSummary(reports) {
  console.log();
  for (const [title, part] of [
    ['Counted', 'counts'],
    ['Faults', 'faults'],
  ]) {
    const names = new Set(reports.flatMap((one) => Object.keys(one[part])));
    const rows = [...names].map((name) => [name, ...reports.map((one) => one[part][name] ?? '')]);
    const sums = reports.map((one) => Object.values(one[part]).reduce((sum, n) => sum + n, 0));
    if (part === 'faults') rows.push(['all', ...sums]);
    const head = [title, ...reports.map(({ name }) => name)];
    for (const row of [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows])
      console.log(`| ${row.join(' | ')} |`);
    console.log();
  }
}
