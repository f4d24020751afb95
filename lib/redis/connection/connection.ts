import type {
  Cluster,
  ClusterNode as SeedNode,
  ClusterOptions,
  Redis,
  RedisOptions,
} from 'ioredis';

/** Where locks are kept, in Redis: one endpoint, a Cluster, or three and more independent servers. */
export type RedisLockConnection =
  string | RedisOptions | Redis | ClusterConnection | readonly (string | RedisOptions | Redis)[];

/** A Cluster as the module's user names it. */
export type ClusterConnection = Cluster | { cluster: SeedNode[]; options?: ClusterOptions };

/** Nodes to ask first, and the options of a Cluster. */
export interface ClusterParts {
  readonly seeds: readonly SeedNode[];
  readonly options: ClusterOptions;
}

/** A client of ioredis, by shape, since the application may have another copy of it than we do. */
export function isClient(connection: unknown): connection is Redis {
  if (!isObject(connection)) return false;
  const { duplicate, status, connector, options } = connection as Partial<Record<string, unknown>>;
  return (
    typeof duplicate === 'function' &&
    typeof status === 'string' &&
    isObject(connector) &&
    isObject(options)
  );
}

/** A Cluster: a client of ioredis, by shape as for {@link isClient}, or a list of its nodes. */
export function isCluster(connection: unknown): connection is ClusterConnection {
  return clusterParts(connection) !== undefined;
}

/** What a Cluster's connection is made of; `undefined`: it is none. */
export function clusterParts(connection: unknown): ClusterParts | undefined {
  if (!isObject(connection)) return undefined;
  const { isCluster: says, startupNodes, cluster, options } = connection as Partial<ClusterShape>;
  if (says === true && Array.isArray(startupNodes) && isObject(options))
    return { seeds: startupNodes, options };
  if (!isPlain(connection) || !Array.isArray(cluster) || cluster.length === 0) return undefined;
  return { seeds: cluster, options: options ?? {} };
}

/** A list of one is that one. */
export function single(connection: unknown): unknown {
  return Array.isArray(connection) && connection.length === 1 ? connection[0] : connection;
}

/** Independent servers, of which a majority holds a lock. */
export function isQuorum(connection: unknown): boolean {
  return Array.isArray(single(connection));
}

/** An object that is written down as one, of any realm; no instance of a class. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isObject(value) || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

interface ClusterShape {
  readonly isCluster: unknown;
  readonly startupNodes: SeedNode[];
  readonly cluster: SeedNode[];
  readonly options: ClusterOptions;
}
