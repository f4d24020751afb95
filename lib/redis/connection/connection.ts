import {
  type Cluster,
  type ClusterNode as SeedNode,
  type ClusterOptions,
  Redis,
  type RedisOptions,
} from 'ioredis';

/** Where locks are kept, in Redis: one endpoint, a Cluster, or three and more independent servers. */
export type RedisLockConnection =
  string | RedisOptions | Redis | ClusterConnection | readonly (string | RedisOptions | Redis)[];

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

/** By shape, as for {@link isCluster}. */
export function isClient(connection: unknown): connection is Redis {
  return typeof (connection as Partial<Redis>).duplicate === 'function';
}

/** A Cluster as the module's user names it. */
export type ClusterConnection = Cluster | { cluster: SeedNode[]; options?: ClusterOptions };
