// Builds dist/: the library bundled, for ES modules and CommonJS, with its declarations.
// Does nothing when lib/ is as it was at the last build; --force builds anyway.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundle } from './bundle/bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const cache = join(root, 'node_modules', '.cache', 'nestjs-redis-lock');
const stamp = join(cache, 'build.sha256');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

const fingerprint = inputsFingerprint();
const isFresh =
  existsSync(dist) && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint;

if (!isFresh || process.argv.includes('--force')) {
  console.log('Building the library into dist/ …');
  await build();
}

async function build() {
  // The build goes to a folder beside dist/, which then takes its place: nobody who
  // imports from dist/ meanwhile sees half of it.
  const work = join(root, `dist.${process.pid}`);
  const [js, types, out] = ['js', 'types', 'out'].map((name) => join(work, name));
  try {
    const codes = await Promise.all([
      compile(js, '--declaration', 'false', '--removeComments'),
      compile(types, '--emitDeclarationOnly', '--noEmitHelpers', 'false'),
    ]);
    if (codes.some((code) => code !== 0)) {
      process.exitCode = 1;
      return;
    }
    await bundle({ js, types, out });
    replaceDist(out);
    mkdirSync(cache, { recursive: true });
    writeFileSync(stamp, fingerprint);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Another build may do the same at the same time: the later one wins. */
function replaceDist(fresh) {
  const stale = `${fresh}.old`;
  for (;;) {
    try {
      if (existsSync(dist)) renameSync(dist, stale);
      renameSync(fresh, dist);
      return;
    } catch (error) {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    } finally {
      rmSync(stale, { recursive: true, force: true });
    }
  }
}

function compile(outDir, ...flags) {
  return new Promise((resolve, reject) => {
    const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', outDir, ...flags];
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function inputsFingerprint() {
  const hash = createHash('sha256');
  const sources = ['lib', 'scripts/bundle']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted((one, other) => (one < other ? -1 : 1));
  const configs = ['tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs', 'package.json'];
  for (const file of [...sources, ...configs.map((name) => join(root, name))]) {
    hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}
