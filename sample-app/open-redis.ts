import { Redis } from 'ioredis';
import { StartError } from './start-error.js';

const CONNECT_TIMEOUT_MS = 2000;
const COMMAND_TIMEOUT_MS = 5000;

/**
 * Opens a connection that has been answered once. When Redis goes away later it connects anew by
 * itself, and commands fail meanwhile instead of waiting for it.
 *
 * @throws {StartError} Redis does not answer at `url`.
 */
export async function openRedis(url: string): Promise<Redis> {
  let connected = false;
  const redis = new Redis(checked(url), {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => (connected ? Math.min(attempt * 50, 1000) : null),
  });
  let reason = 'no answer';
  redis.on('error', (error: Error & { code?: string }) => {
    reason = error.code ?? error.message;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw new StartError(
      unreachable(url, error instanceof Error ? reasonOf(error, reason) : reason),
    );
  }
  connected = true;
  return redis;
}

/**
 * The URL for people to read: without its password, and without options, which may hold one.
 *
 * @throws {StartError} It is none.
 */
export function showUrl(url: string): string {
  if (isPath(url)) return url.replace(/\?.*/s, '');
  const { protocol, username, password, host, pathname } = parsed(url);
  const login = username === '' || password === '' ? '' : `${username}:***@`;
  return `${protocol}//${login}${host}${pathname}`;
}

function checked(url: string): string {
  if (!isPath(url)) parsed(url);
  return url;
}

function parsed(url: string): URL {
  try {
    const read = new URL(url);
    decodeURIComponent(read.username + read.password);
    const isRedis = /^rediss?:$/.test(read.protocol) && read.host !== '';
    // A password that holds marks of a URL ends the server's name early, and goes on behind it.
    const isWhole = /^\/?\d*$/.test(read.pathname) && !/[@#]/.test(read.search + read.hash);
    if (isRedis && isWhole) return read;
  } catch {
    // Told below, without the text.
  }
  throw new StartError(
    'REDIS_URL must be a redis:// or rediss:// URL or the path of a Unix socket. It is not shown, as it ' +
      'may hold a password; encode special characters in it.',
  );
}

function isPath(url: string): boolean {
  return url.startsWith('/');
}

/** ioredis closes the connection after the error that says why; the first answer may say more. */
function reasonOf(error: Error, seen: string): string {
  return error.message === 'Connection is closed.' ? seen : error.message;
}

function unreachable(url: string, reason: string): string {
  return (
    `Redis at ${showUrl(url)} can not be used (${reason}).\n` +
    'Start it there, set REDIS_URL to another one, or unset REDIS_URL.'
  );
}
