// Runs a program that is written in TypeScript, with the arguments behind its path: node scripts/run-ts.mjs test/model/main.ts …
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { bundleTs } from './bundle-ts.mjs';

const [entry = '', ...args] = process.argv.slice(2);
const outfile = await bundleTs(entry);
const program = spawn(process.execPath, ['--enable-source-maps', outfile, ...args], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => program.kill(signal));
program.once('exit', (code) => {
  rmSync(outfile, { force: true });
  process.exit(code ?? 1);
});
