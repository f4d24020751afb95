// npm run chaos -- --minutes 30: real servers and processes under faults, for so long on one server and on a quorum.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error('--minutes takes a number above 0.');

const specs = [
  '--config',
  'jest.long.config.js',
  'test/chaos/overlap',
  'test/chaos/kinds',
  'test/chaos/quorum',
];
const { status } = spawnSync(process.execPath, ['scripts/test.mjs', ...specs], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: { ...process.env, CHAOS_MS: String(minutes * 60_000) },
});
process.exitCode = status ?? 1;
