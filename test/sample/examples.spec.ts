import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMES = readdirSync(`${ROOT}/examples`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
/** The cron package says so on a machine that has much else to do. */
const LATE_TICK = /^\[Cron\] Missed execution deadline by \d+ms .*\n/gm;
const run = promisify(execFile);

describe('examples', () => {
  beforeAll(() => run(process.execPath, ['scripts/build.mjs'], { cwd: ROOT }), 300_000);

  it.each(NAMES)(
    '%s prints what its README shows, and ends',
    async (name) => {
      const readme = readFileSync(`${ROOT}/examples/${name}/README.md`, 'utf8');
      const [, shown] = /^```text\n([^]*?)^```/m.exec(readme) ?? [];
      const { NODE_OPTIONS: _, REDIS_URL: __, ...env } = process.env;

      const args = ['scripts/example.mjs', name];
      const { stdout, stderr } = await run(process.execPath, args, {
        cwd: ROOT,
        env,
        timeout: 100_000,
      });

      expect(stderr.replaceAll(LATE_TICK, '')).toBe('');
      expect(stdout).toBe(shown);
      expect(readme).toContain(`npm run example -- ${name}\n`);
    },
    120_000,
  );

  it('are listed in examples/README.md, each', () => {
    const list = readFileSync(`${ROOT}/examples/README.md`, 'utf8');

    expect(NAMES.filter((name) => !list.includes(`](${name}/README.md)`))).toEqual([]);
  });
});
