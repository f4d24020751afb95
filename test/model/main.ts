// npm run model [-- --states N]: the long exploration, with what it has found as it goes.
import { parseArgs } from 'node:util';

import { DEEPER, look, SOUND, UNSOUND } from './runs.js';

const { values } = parseArgs({ options: { states: { type: 'string', default: '4000000' } } });
const maxStates = Number(values.states);
if (!Number.isInteger(maxStates) || maxStates < 1)
  throw new Error('--states takes a number above 0.');

let isFine = true;
console.log('What must hold:');
for (const run of [...SOUND, ...DEEPER]) {
  const { line, violation } = look(run, maxStates);
  console.log(`  ${line}`);
  for (const step of violation?.trace ?? []) console.log(`      ${step}`);
  isFine &&= violation === undefined;
}
console.log('Rules left out, each to be caught:');
for (const run of UNSOUND) {
  const { line, violation } = look(run, maxStates);
  console.log(`  ${line}`);
  isFine &&= violation?.what.startsWith(run.violates) === true;
}
process.exitCode = isFine ? 0 : 1;
