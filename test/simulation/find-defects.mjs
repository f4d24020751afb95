// npm run simulate:defects [-- word]: leaves out one rule after another, and runs schedules until one shows it.
//   --from 1      from this seed on, of all families, not from one that is near
//   --minutes 5   for so long
// Prints the seed, and how long it took.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { bundleTs } from '../../scripts/bundle-ts.mjs';
import { DEFECTS } from './defects.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: 'string' }, minutes: { type: 'string', default: '5' } },
});
const [word = ''] = positionals;

const missed = [];
for (const defect of DEFECTS.filter(({ name }) => name.includes(word)))
  if (!(await isFound(defect))) missed.push(defect.name);
console.log(missed.length === 0 ? 'Every one was found.' : `Not found: ${missed.join('; ')}`);
process.exitCode = missed.length === 0 ? 0 : 1;

/** @param {import('./defects.mjs').Defect} defect */
async function isFound({ name, from, family, violates, edits }) {
  const program = await bundleTs('test/simulation/main.ts', edits);
  const args = [program, '--brief', '--minutes', values.minutes];
  if (values.from === undefined) args.push('--from', String(from), '--family', family);
  else args.push('--from', values.from);
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  rmSync(program, { force: true });
  const [, seed, after, what = ''] = /^Seed (\d+), after (.*?): (.*)$/m.exec(stdout) ?? [];
  const isIt = violates.test(what);
  console.log(`${isIt ? `seed ${seed}, ${after}`.padEnd(20) : 'NOT FOUND'.padEnd(20)} ${name}`);
  console.log(`    ${isIt ? what : what || stderr || stdout}`);
  return isIt;
}
