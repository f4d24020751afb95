// Runs the whole test suite: a Redis server to test against, the built library (child
// processes of some tests import it), then jest with the arguments given here.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

ensureRedisServer();
ensureChromium();
if (process.argv.includes('jest.long.config.js')) ensureFaketime();
if (process.argv.includes('jest.apps.config.js')) ensureRedisPy();
run(process.execPath, ['scripts/build.mjs']);
runJest(process.argv.slice(2));

function ensureRedisServer() {
  if (hasCommand('redis-server') || installed('redis-server', 'redis-server')) return;
  console.error(
    'The tests run against a real Redis and found no redis-server on PATH.\n' +
      'Install Redis 7 or later (Debian, Ubuntu: sudo apt-get install redis-server; ' +
      'macOS: brew install redis), then run npm test again.\n' +
      'The tests start their own servers on free ports: none needs to be running.',
  );
  process.exit(1);
}

/** The tests of the board look at it in a browser; they name what is missing when there is none. */
function ensureChromium() {
  if (process.env.CHROMIUM_PATH || hasCommand('chromium')) return;
  installed('chromium', 'chromium');
}

/** The tests of clocks that step name what is missing when it is not there. */
function ensureFaketime() {
  if (!hasCommand('faketime')) installed('faketime', 'faketime');
}

/** The tests that lock beside redis-py name it when it is not there. */
function ensureRedisPy() {
  const finds = (python) => spawnSync(python, ['-c', 'import redis']).status === 0;
  if (!['/usr/bin/python3', 'python3'].some(finds)) installed('python3-redis', 'python3');
}

/** Installs a package of Debian where that is possible; returns whether its command is there then. */
function installed(name, command) {
  const asRoot = aptGetPrefix();
  if (asRoot === undefined) return false;
  console.log(`${command} is not on PATH: installing it with apt-get …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run(asRoot[0], [...asRoot.slice(1), 'update', '-qq'], { env });
  run(asRoot[0], [...asRoot.slice(1), 'install', '-y', '-qq', name], { env });
  return hasCommand(command);
}

function aptGetPrefix() {
  if (!hasCommand('apt-get')) return undefined;
  if (process.getuid?.() === 0) return ['apt-get'];
  const sudoWorks = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  return sudoWorks ? ['sudo', '-n', 'apt-get'] : undefined;
}

function hasCommand(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
}

function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (status !== 0) {
    console.error(`"${[command, ...args].join(' ')}" failed.`);
    process.exit(status ?? 1);
  }
}

function runJest(args) {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = spawn(process.execPath, [...flags, 'node_modules/jest/bin/jest.js', ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => jest.kill(signal));
  }
  jest.once('exit', (code) => process.exit(code ?? 1));
}
