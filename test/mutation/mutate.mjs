// npm run mutate [-- word]: breaks one safety rule after another in a copy of the library, and runs the
// specifications of which one has to notice. Tells which test did.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MUTANTS } from './mutants.mjs';

/** A mutant may do something for ever. */
const LONGEST_RUN_MS = 300_000;

const root = fileURLToPath(new URL('../..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
const [word = ''] = process.argv.slice(2);

try {
  for (const name of ['lib', 'test', 'package.json', 'jest.config.js', 'tsconfig.json'])
    cpSync(join(root, name), join(copy, name), {
      recursive: true,
      filter: (source) => !source.includes('node_modules'),
    });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const chosen = MUTANTS.filter(({ name }) => name.includes(word));
  for (const spec of new Set(chosen.map((mutant) => mutant.spec))) failIfBroken(spec);
  const survivors = chosen.filter((mutant) => !isKilled(mutant));
  console.log(survivors.length === 0 ? 'Every one was noticed.' : `${survivors.length} survived.`);
  process.exitCode = survivors.length === 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/** @param {string} spec */
function failIfBroken(spec) {
  const { passed, failure } = run(spec);
  if (!passed) throw new Error(`Without a mutant ${spec} does not pass: ${failure}`);
}

/** @param {import('./mutants.mjs').Mutant} mutant */
function isKilled({ name, file, from, to, spec }) {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} does not hold "${from}" any more.`);
  writeFileSync(path, text.replace(from, to));
  const { passed, failure } = run(spec);
  writeFileSync(path, text);
  // Tests that did not run at all notice nothing.
  if (!passed && failure === undefined) throw new Error(`${spec} did not run with "${name}".`);
  console.log(`${passed ? 'SURVIVED' : 'noticed '}  ${name.padEnd(66)} ${failure ?? spec}`);
  return !passed;
}

/**
 * Runs a specification; `failure` is the first test that failed.
 *
 * @param {string} spec
 */
function run(spec) {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = [
    ...flags,
    'node_modules/jest/bin/jest.js',
    spec,
    '--silent',
    '--bail',
    '--runInBand',
  ];
  const { status, stderr } = spawnSync(process.execPath, jest, {
    cwd: copy,
    encoding: 'utf8',
    timeout: LONGEST_RUN_MS,
    killSignal: 'SIGKILL',
  });
  if (status === null) return { passed: false, failure: 'the tests did not end' };
  const [, failure] = /^ +● (.* › .*)$/m.exec(stderr) ?? [];
  return { passed: status === 0, failure };
}
