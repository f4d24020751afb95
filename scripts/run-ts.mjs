// Runs a program that is written in TypeScript, with the arguments behind its path: node scripts/run-ts.mjs test/model/main.ts …
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const [entry = '', ...args] = process.argv.slice(2);
// Where its imports of packages are found.
const outfile = `${root}node_modules/.cache/run-ts/${process.pid}.mjs`;

await build({
  absWorkingDir: root,
  entryPoints: [entry],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  keepNames: true,
  logLevel: 'error',
});
const program = spawn(process.execPath, ['--enable-source-maps', outfile, ...args], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => program.kill(signal));
program.once('exit', (code) => {
  rmSync(outfile, { force: true });
  process.exit(code ?? 1);
});
