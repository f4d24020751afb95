// npm run example -- NAME: runs examples/NAME/main.ts on REDIS_URL, or on a redis-server of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { transformFile } from '@swc/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name = ''] = process.argv.slice(2);
const source = join(root, 'examples', name, 'main.ts');
if (!existsSync(source) || name === '') {
  const folders = readdirSync(join(root, 'examples'), { withFileTypes: true });
  const names = folders.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  console.error(`Say which one: npm run example -- ${names.join(' | ')}`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'nestjs-redis-lock-example-'));
// Inside the package, so that it finds the package by its name.
const build = join(root, `dist.example-${process.pid}`);
const servers = [];
try {
  const url = process.env.REDIS_URL ?? (await startRedis(folder));
  const env = { ...process.env, REDIS_URL: url };
  const program = spawn(process.execPath, [await compile(source)], { stdio: 'inherit', env });
  process.exitCode = await ended(program);
} finally {
  for (const server of servers) server.kill();
  rmSync(build, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}

/** Resolves with the path of the compiled program. */
async function compile(from) {
  const { code } = await transformFile(from, {
    swcrc: false,
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  });
  mkdirSync(build);
  const file = join(build, 'main.js');
  writeFileSync(file, code);
  return file;
}

/** Starts a server without persistence behind a Unix socket; resolves with the path of that. */
async function startRedis(dir) {
  const socket = join(dir, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', dir, '--save', ''];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  servers.push(server);
  server.once('error', (error) => {
    console.error(`Start a Redis and set REDIS_URL, or install redis-server (${error.message}).`);
    process.exit(1);
  });
  while (!existsSync(socket)) await sleep(20);
  return socket;
}

function ended(program) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => program.kill(signal));
  return new Promise((resolve) => program.once('exit', (code) => resolve(code ?? 1)));
}
