import { LockConfigError } from '../engine/errors.js';
import type { LockStore } from '../engine/lock-store.js';
import { clusterClients } from './cluster-clients.js';
import { ClusterServers } from './cluster-servers.js';
import { checkConnection, isCluster, openClients, ownOptions } from './lock-connection.js';
import type { RedisLockConnection } from './lock-connection.js';
import { checkClusterPrefix } from './lock-keys.js';
import type { LockServers, ServersListener } from './lock-servers.js';
import { RedisLockStore } from './redis-lock.store.js';
import { SingleServer } from './single-server.js';

/** What a store of locks in Redis needs beside its connection. */
export interface RedisStoreOptions {
  /** Put before every key, behind the client's own `keyPrefix`. */
  readonly keyPrefix: string;
  /** Longest wait for one answer, in milliseconds. */
  readonly commandTimeout: number;
  /** The name of this process in Redis. */
  readonly boot: string;
}

/**
 * Opens the store for a connection of any form; connects in the background.
 *
 * @throws {LockConfigError} `connection` is of no form that is available, or `keyPrefix` not fit for it.
 */
export function openRedisStore(
  connection: RedisLockConnection,
  options: RedisStoreOptions,
): LockStore {
  const problems = checkConnection(connection);
  if (problems.length > 0) throw new LockConfigError(problems);
  return new RedisLockStore(serversOf(connection, options));
}

function serversOf(
  connection: RedisLockConnection,
  options: RedisStoreOptions,
): (listener: ServersListener) => LockServers {
  const { commandTimeout, keyPrefix } = options;
  if (!isCluster(connection)) {
    const clients = openClients(connection, commandTimeout);
    return (listener) => new SingleServer(clients, options, listener);
  }
  const clients = clusterClients(connection, ownOptions(commandTimeout));
  const problems = checkClusterPrefix(clients.keyPrefix + keyPrefix);
  if (problems.length > 0) throw new LockConfigError(problems);
  return (listener) => new ClusterServers(clients, options, listener);
}
