// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { reapAtExit } from './reaper.mjs';

const READY = /Ready to accept connections|Sentinel ID is/;
const READY_WITHIN_MS = 30_000;
// Below those that systems give to clients (32768 and up, in part 49152): one of these could take a
// server's port while it is down, or even meet itself there. A Cluster node's bus listens 10000 above.
const PORTS = { from: 10_000, to: 19_999 };
const BUS_ABOVE = 10_000;
/** @type {Set<number>} */
const given = new Set();

/**
 * Starts one redis-server on loopback, without persistence; resolves when it takes connections.
 *
 * @param {object} options
 * @param {readonly string[]} options.args More command-line options, e.g. `['--maxmemory', '10mb']`.
 * @param {number} options.port
 * @param {string} options.dir Its working directory.
 * @param {string} [options.config] Text of a configuration file, which Sentinel needs.
 * @param {Readonly<Record<string, string>>} [options.env] Added to the environment.
 */
export async function spawnRedis({ args, port, dir, config, env }) {
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir];
  if (!args.includes('--sentinel')) options.push('--save', '', '--appendonly', 'no');
  const file = config === undefined ? [] : [writeConfig(dir, config)];
  const child = spawn('redis-server', [...file, ...options, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  await ready(reapAtExit(child));
  return child;
}

/**
 * Finds a loopback port that nobody listens on, never the same twice in a run of tests: one whose
 * server is down, or on which none shall be, is given to no other worker either.
 */
export async function freePort() {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from + 1));
    if (!claim(port)) continue;
    if ((await isFree(port)) && (await isFree(port + BUS_ABOVE))) return port;
  }
}

/**
 * Whether the port is ours: one file for each port that a worker of this run has taken.
 *
 * @param {number} port
 */
function claim(port) {
  if (given.has(port)) return false;
  given.add(port);
  const claims = process.env['TEST_PORTS'];
  if (claims === undefined) return true;
  try {
    closeSync(openSync(join(claims, `${port}`), 'wx'));
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export function makeTemporaryDirectory() {
  return mkdtempSync(join(tmpdir(), 'nestjs-redis-lock-'));
}

/** @param {string} dir */
export function removeTemporaryDirectory(dir) {
  rmSync(dir, { recursive: true, force: true });
}

/**
 * @param {string} dir
 * @param {string} config
 */
function writeConfig(dir, config) {
  const path = join(dir, 'redis.conf');
  writeFileSync(path, config);
  return path;
}

/** @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child */
function ready(child) {
  return new Promise((resolve, reject) => {
    let log = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`was not ready after ${READY_WITHIN_MS} ms`);
    }, READY_WITHIN_MS);
    child.once('error', (error) => fail(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => fail(`exited with ${code ?? signal}`));
    child.stderr.on('data', read);
    child.stdout.on('data', read);

    /** @param {Buffer} chunk */
    function read(chunk) {
      log = (log + chunk.toString()).slice(-4_000);
      if (READY.test(log)) {
        clearTimeout(timer);
        resolve(undefined);
      }
    }

    /** @param {string} reason */
    function fail(reason) {
      clearTimeout(timer);
      reject(new Error(`redis-server ${reason}\n${log}`));
    }
  });
}
