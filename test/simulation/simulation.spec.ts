import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LONG_MS = 400_000;

/** Outside the sandbox of a test runner, where thousands of schedules take a minute. */
function simulate(...args: string[]): { status: number | null; output: string } {
  const program = ['scripts/run-ts.mjs', 'test/simulation/main.ts', ...args];
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
    const { status, output } = simulate('--from', '1', '--schedules', '200');
    console.log(output);

    expect(output).toMatch(/^200 schedules with [1-9]\d{3,} sections .*: nothing was violated\.$/m);
    expect(status).toBe(0);
  },
  LONG_MS,
);

it(
  'a server that confirms every lease is caught, by a few schedules',
  () => {
    const { status, output } = simulate('--sabotage', '--schedules', '100', '--from', '1');

    expect(output).toContain('are inside');
    expect(status).toBe(1);
  },
  LONG_MS,
);
