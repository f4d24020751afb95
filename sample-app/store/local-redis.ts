import { openRedis } from '../open-redis.js';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { StartError } from '../start-error.js';

const START_TIMEOUT_MS = 10_000;
const ADVICE = 'Set REDIS_URL to a Redis that is running, or install redis-server, then try again.';

/**
 * Starts a `redis-server` that keeps nothing on disk, on a free loopback port.
 *
 * @throws {StartError} There is no `redis-server` on PATH, or it does not start.
 */
export async function startLocalRedis(): Promise<StormRedis> {
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', '--port', `${port}`, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  // Also when the program ends before this is done.
  process.once('exit', () => server.kill());
  const url = `redis://127.0.0.1:${port}`;
  await Promise.race([answering(url), failure(server)]);
  return { url, name: `a redis-server started on port ${port}`, stop: () => end(server) };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function answering(url: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      (await openRedis(url)).disconnect();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(50);
    }
  }
}

/** Rejects when the server can't be started or ends; never resolves. */
function failure(server: ChildProcess): Promise<never> {
  return new Promise((_, reject) => {
    server.once('error', () => reject(new StartError(`redis-server is not on PATH. ${ADVICE}`)));
    server.once('exit', (code) =>
      reject(new StartError(`redis-server ended with code ${code}. ${ADVICE}`)),
    );
  });
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill();
  await exit;
}

/** The Redis that the buyers share. */
export interface StormRedis {
  readonly url: string;
  /** For people. */
  readonly name: string;
  /** Ends a server that was started for the storm; leaves another one alone. */
  stop(): Promise<void>;
}
