// Installs the dependencies of a fresh clone, so that `npm start` and `npm test` work at once.
// With names of folders that have a package.json of their own: those of these folders.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folders = process.argv.slice(2).map((folder) => `${folder}/`);
for (const folder of folders.length === 0 ? [''] : folders) installIfMissing(folder);

function installIfMissing(folder) {
  const root = fileURLToPath(new URL(`../${folder}`, import.meta.url));
  // npm writes this file last: a folder without it is an install that was cut off.
  const installed = `${root}node_modules/.package-lock.json`;
  if (existsSync(installed) && (folder === '' || hasAll(root, installed))) return;
  console.log(`${folder}node_modules is missing or old: running "npm ci" (once, about a minute) …`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  console.error('"npm ci" failed. Repair what it names above, then try again.');
  process.exit(status ?? 1);
}

/** Whether an install has each dependency of its package.json in the locked version. */
function hasAll(root, installed) {
  const [{ packages: locked }, { packages: found }] = [`${root}package-lock.json`, installed].map(
    (path) => JSON.parse(readFileSync(path, 'utf8')),
  );
  const { dependencies = {}, devDependencies = {} } = locked[''];
  return Object.keys({ ...dependencies, ...devDependencies })
    .map((name) => `node_modules/${name}`)
    .every((path) => found[path]?.version === locked[path]?.version);
}
