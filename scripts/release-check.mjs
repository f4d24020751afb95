// What must hold before a release, beside the tests: "npm run release:check".
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const cwd = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${cwd}package.json`, 'utf8'));
const failed = [];

check('everything is built', 'node', 'scripts/build.mjs');
check('nothing is exported that nobody uses', 'npx', '--no-install', 'knip', '--no-progress');
check('the public API is that of etc/api', 'node', 'scripts/api.mjs');
const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent'], { cwd });
const tarball = String(packed).trim();
check('the package is in order', 'npx', '--no-install', 'publint', '--strict', tarball);
check('so are its types', 'npx', '--no-install', 'attw', '--format', 'ascii', '--quiet', tarball);
rmSync(`${cwd}${tarball}`);
note(`CHANGELOG.md has what is in ${version}`, hasChanges());

console.log(failed.length === 0 ? '\nReady.' : `\nNot ready: ${failed.join('; ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;

function check(what, command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  note(what, status === 0);
  if (status !== 0) console.log(`${stdout}${stderr}`);
}

function note(what, holds) {
  console.log(`${holds ? 'ok' : 'NO'}  ${what}`);
  if (!holds) failed.push(what);
}

/** The newest section is of this version, or `Unreleased`, and says something. */
function hasChanges() {
  const [, newest = ''] = readFileSync(`${cwd}CHANGELOG.md`, 'utf8').split(/^## /m);
  const [title, ...lines] = newest.split('\n');
  return (title === 'Unreleased' || title.startsWith(version)) && lines.join('').trim() !== '';
}
