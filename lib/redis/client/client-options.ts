import { type NatMap, Redis, type RedisOptions } from 'ioredis';
import { checkedLogin, type LoginSource } from './login.js';
import { readUrl } from '../connection/connection-url.js';
import { isClient, type RedisLockConnection, single } from '../connection/connection.js';

/** How a server is reached from here, as `host:port`, when not under the name that others tell. */
export function applyNatMap(server: string, natMap: NatMap | undefined): string {
  const mapped = typeof natMap === 'function' ? natMap(server) : natMap?.[server];
  return mapped ? `${mapped.host}:${mapped.port}` : server;
}

/** Where a client is or goes to: a path or `host:port`; before Sentinel has named a server, a Sentinel's. */
export function placeOf({ options, stream }: Redis): string {
  const { path, host = 'localhost', port = 6379, sentinels } = options;
  if (path !== undefined) return path;
  if (!Array.isArray(sentinels)) return `${host}:${port}`;
  if (stream?.remoteAddress !== undefined) return `${stream.remoteAddress}:${stream.remotePort}`;
  const [first] = sentinels;
  return `${first?.host ?? '127.0.0.1'}:${first?.port ?? 26_379}`;
}

/** The longest pause between two attempts to connect, in milliseconds. */
export const MAX_RECONNECT_MS = 500;

/** The longest timer that Node has; the client sets its own. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Milliseconds before the nth attempt to connect after the first one. */
function pauseBefore(nth: number): number {
  return Math.min(50 * nth, MAX_RECONNECT_MS);
}

/** Options that the engine's own connections need, whatever the user's client has. */
export function ownOptions(commandTimeout: number) {
  const patience = Math.min(Math.max(commandTimeout, 1000), MAX_TIMER_MS);
  return {
    keyPrefix: '',
    // What connects it asks for its credentials first.
    lazyConnect: true,
    readOnly: false,
    monitor: false,
    stringNumbers: false,
    replyMapping: 'legacy',
    commandTimeout: undefined,
    socketTimeout: undefined,
    enableReadyCheck: true,
    autoResendUnfulfilledCommands: true,
    // Else a timer of the client keeps the process for two seconds after the connection has gone.
    disconnectTimeout: 0,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 1,
    // Less than a command waits for the connection: its error can tell the cause then.
    connectTimeout: patience - 100,
    // Without it a client waits for ever for a Sentinel that hangs.
    sentinelCommandTimeout: patience,
    // It ends clients that are on their way, for good; we watch Sentinel ourselves.
    failoverDetector: false,
    // For each answer it would leave once; we leave a server that became a replica ourselves.
    reconnectOnError: null,
    retryStrategy: pauseBefore,
    sentinelRetryStrategy: pauseBefore,
    // The client's own pause while a server loads its data keeps the process alive.
    maxLoadingRetryTime: MAX_RECONNECT_MS,
  } as const satisfies RedisOptions;
}

/** What our own clients are opened by, beside the user's connection. */
export interface OwnClientOptions {
  readonly commandTimeout: number;
  /** Asked before every connection, and nobody else then. */
  readonly credentials?: LoginSource | undefined;
}

/** How our own connections are opened. */
export interface OwnClients {
  /** A client that has not begun to connect. */
  readonly open: () => Redis;
  /** Unset: as its options say. */
  readonly login: LoginSource | undefined;
  /** What the user's options put before every key. */
  readonly keyPrefix: string;
}

/** Connections of our own to one endpoint; a client that was handed in is only copied, and read again. */
export function ownClients(
  connection: RedisLockConnection,
  { commandTimeout, credentials }: OwnClientOptions,
): OwnClients {
  const own = ownOptions(commandTimeout);
  const asked = credentials === undefined ? undefined : checkedLogin(credentials);
  const one = single(connection);
  if (isClient(one)) {
    const login = asked ?? (() => one.options);
    return { open: () => one.duplicate(own), login, keyPrefix: one.options.keyPrefix ?? '' };
  }
  const options = typeof one === 'string' ? (readUrl(one).options ?? {}) : (one as RedisOptions);
  const { keyPrefix = '' } = options;
  return { open: () => new Redis({ ...options, ...own }), login: asked, keyPrefix };
}
