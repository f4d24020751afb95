import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { expect, it } from '@jest/globals';

import { DEFECTS } from './defects.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LONG_MS = 400_000;

/** Outside the sandbox of a test runner, where thousands of schedules take a minute. */
function run(...program: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, program, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: LONG_MS - 20_000,
  });
  return { status, output: stdout + stderr };
}

it(
  'the engine and the stores, on simulated servers, keep their promises under every schedule',
  () => {
    const args = ['--from', '1', '--schedules', '2000', '--minutes', '2'];
    const { status, output } = run('scripts/run-ts.mjs', 'test/simulation/main.ts', ...args);
    console.log(output);

    expect(output).toMatch(
      /^[12]\d{3} schedules with \d{4,} sections .*: nothing was violated\.$/m,
    );
    expect(status).toBe(0);
  },
  LONG_MS,
);

it.each(DEFECTS.map(({ name }) => name))(
  'a rule that is left out is found by some schedule: %s',
  (name) => {
    const { status, output } = run('test/simulation/find-defects.mjs', name);
    console.log(output);

    expect(output).toContain('Every one was found.');
    expect(status).toBe(0);
  },
  LONG_MS,
);
