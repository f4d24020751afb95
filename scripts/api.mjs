// Compares the public API with etc/api: what users import, without comments. `--write` takes
// over what is meant to have changed. Run it after a build.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const built = new URL('../dist/cjs/', import.meta.url);
const kept = new URL('../etc/api/', import.meta.url);
const names = readdirSync(built).filter((name) => name.endsWith('.d.ts'));

if (process.argv.includes('--write')) {
  mkdirSync(kept, { recursive: true });
  for (const name of names) writeFileSync(new URL(name, kept), signatures(name));
} else {
  const changed = names.filter((name) => signatures(name) !== snapshot(name));
  for (const name of changed) report(name);
  if (changed.length > 0) process.exitCode = 1;
}

function report(name) {
  const [before, after] = [snapshot(name), signatures(name)].map((text) => text.split('\n'));
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  const added = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`);
  console.error(
    [
      `The public API in ${name} is not that of etc/api:`,
      ...gone,
      ...added,
      'When that is meant, say so in CHANGELOG.md and run "npm run api".',
    ].join('\n'),
  );
}

function snapshot(name) {
  try {
    return readFileSync(new URL(name, kept), 'utf8');
  } catch {
    return '';
  }
}

function signatures(name) {
  const text = readFileSync(fileURLToPath(new URL(name, built)), 'utf8');
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest);
  return ts.createPrinter({ removeComments: true }).printFile(file);
}
