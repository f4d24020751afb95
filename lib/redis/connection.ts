import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { faultOfUrl } from './connection.check.js';
import type { ClusterConnection } from './cluster/cluster-clients.js';

/** Where locks are kept, in Redis: one endpoint, a Cluster, or three and more independent servers. */
export type RedisLockConnection =
  string | RedisOptions | Redis | ClusterConnection | readonly (string | RedisOptions | Redis)[];

const FORMS =
  'a redis://, rediss:// or unix path URL, ioredis options, { cluster: nodes, options }, or an ioredis client';

/** The longest pause between two attempts to connect, in milliseconds. */
export const MAX_RECONNECT_MS = 500;

/** Milliseconds before the nth attempt to connect after the first one. */
function pauseBefore(nth: number): number {
  return Math.min(50 * nth, MAX_RECONNECT_MS);
}

/** Options that the engine's own connections need, whatever the user's client has. */
export function ownOptions(commandTimeout: number) {
  return {
    keyPrefix: '',
    lazyConnect: false,
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
    connectTimeout: Math.max(commandTimeout, 1000),
    // Without it a client waits for ever for a Sentinel that hangs.
    sentinelCommandTimeout: Math.max(commandTimeout, 1000),
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

export type OwnOptions = ReturnType<typeof ownOptions>;

/** How our own connections are opened, and the prefix that the user's options put before every key. */
export interface OwnClients {
  readonly open: () => Redis;
  readonly keyPrefix: string;
}

/** Connections of our own to one endpoint; a client that was handed in is only copied. */
export function ownClients(connection: RedisLockConnection, commandTimeout: number): OwnClients {
  const own = ownOptions(commandTimeout);
  const one = single(connection);
  if (isClient(one)) {
    return { open: () => one.duplicate(own), keyPrefix: one.options.keyPrefix ?? '' };
  }
  if (typeof one === 'string') {
    const path = one.replace(/^unix:\/\//, '');
    return { open: () => new Redis(path, own), keyPrefix: '' };
  }
  const options = one as RedisOptions;
  return { open: () => new Redis({ ...options, ...own }), keyPrefix: options.keyPrefix ?? '' };
}

/** What is wrong with `connection`, one sentence each; never shows a password. */
export function checkConnection(connection: unknown): string[] {
  if (connection === undefined || connection === null || connection === '') {
    return [`connection is required: ${FORMS}, or 'memory'.`];
  }
  const one = single(connection);
  if (Array.isArray(one)) return checkNodes(one);
  if (typeof one === 'string') {
    const fault = faultOfUrl(one, `${FORMS}, or 'memory'`);
    return fault === undefined ? [] : [fault];
  }
  if (typeof one !== 'object' || one === null) {
    return [`connection must be ${FORMS}, or 'memory', got ${typeof one}.`];
  }
  if (!isClient(one) && 'url' in one) {
    return ['connection.url is no option of ioredis; give the URL itself as connection.'];
  }
  // A plain client has a method `cluster`.
  if (!isClient(one) && 'cluster' in one && !isCluster(one)) {
    return ['connection.cluster must list at least one node: a URL, a port, or { host, port }.'];
  }
  if (Array.isArray(connection) && isCluster(one)) {
    return ['connection to a Redis Cluster must stand alone, not in a list.'];
  }
  return [];
}

/** What is wrong with a list of nodes. */
function checkNodes(nodes: readonly unknown[]): string[] {
  if (nodes.length === 0)
    return ['connection must name at least one Redis node, got an empty list.'];
  if (nodes.length === 2) {
    return ['connection must not be two nodes: a quorum needs three or more, a single lock one.'];
  }
  const problems = nodes.flatMap((node, i) =>
    checkConnection([node]).map((problem) => `connection[${i}]: ${problem}`),
  );
  const twin = nodes.findIndex((node, i) => nodes.indexOf(node) < i);
  if (twin >= 0) {
    problems.push(
      `connection names one Redis node twice, at ${nodes.indexOf(nodes[twin])} and at ${twin}; a quorum needs independent ones.`,
    );
  }
  return problems;
}

/** By shape, since the application may have another copy of ioredis than we do. */
export function isCluster(connection: unknown): connection is ClusterConnection {
  if (typeof connection !== 'object' || connection === null) return false;
  if ('isCluster' in connection && connection.isCluster === true) return true;
  return (
    'cluster' in connection && Array.isArray(connection.cluster) && connection.cluster.length > 0
  );
}

/** A list of one is that one. */
export function single(connection: unknown): unknown {
  return Array.isArray(connection) && connection.length === 1 ? connection[0] : connection;
}

function isClient(connection: unknown): connection is Redis {
  return typeof (connection as Partial<Redis>).duplicate === 'function';
}
