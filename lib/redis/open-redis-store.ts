import { LockConfigError } from '../engine/api/errors.js';
import type { LockStore } from '../engine/store/lock-store.js';
import { ownClients } from './client/client-options.js';
import { clusterClients } from './cluster/cluster-clients.js';
import { checkPrefix } from './cluster/cluster-prefix.js';
import { ClusterServers } from './cluster/cluster-servers.js';
import { checkConnection } from './connection/connection.check.js';
import {
  type ClusterConnection,
  isCluster,
  type RedisLockConnection,
  single,
} from './connection/connection.js';
import { QuorumLockStore } from './quorum/quorum-lock.store.js';
import type { RedisStoreOptions } from './servers/lock-servers.js';
import { SingleServer } from './servers/single-server.js';
import type { LinkedStore } from './store/node-store.js';
import { ClusterLockStore } from './store/cluster-lock.store.js';
import { RedisLockStore } from './store/redis-lock.store.js';

/**
 * Opens the store for a connection of any form; connects in the background.
 *
 * @throws {LockConfigError} `connection` is of no form that is available, or `keyPrefix` not fit for it.
 */
export function openRedisStore(
  connection: RedisLockConnection,
  options: RedisStoreOptions,
): LockStore {
  const problems = [...checkConnection(connection), ...checkPrefix(connection, options.keyPrefix)];
  if (problems.length > 0) throw new LockConfigError(problems);
  const nodes = single(connection);
  if (Array.isArray(nodes)) return openQuorum(nodes, options);
  if (isCluster(connection)) return openCluster(connection, options);
  const server = new SingleServer(ownClients(connection, options), options);
  return new RedisLockStore(server, options.clock);
}

/** Independent servers, of which a majority holds a lock. */
function openQuorum(
  nodes: readonly RedisLockConnection[],
  options: RedisStoreOptions,
): QuorumLockStore {
  const linked = nodes.map((node): LinkedStore => {
    const link = new SingleServer(ownClients(node, options), options);
    return { store: new RedisLockStore(link, options.clock), link };
  });
  return new QuorumLockStore(linked, options);
}

function openCluster(connection: ClusterConnection, options: RedisStoreOptions): ClusterLockStore {
  const servers = new ClusterServers(clusterClients(connection, options), options);
  const store = new RedisLockStore(servers, options.clock);
  return new ClusterLockStore(store, servers, options.clock, options.boot);
}
