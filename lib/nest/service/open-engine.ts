import { LockManager } from '../../engine/lock-manager.js';
import { MemoryLockStore } from '../../memory/memory-lock.store.js';
import { openRedisStore } from '../../redis/open-redis-store.js';
import type { ResolvedModuleOptions } from './options.check.js';

export type OpenStore = ConstructorParameters<typeof LockManager>[1];

/**
 * Opens the engine of a service. The package keeps what only this function needs in a file of its
 * own, which is read at its first call: to import the package stays cheap.
 *
 * @param openStore Opens the store in place of the connection's own.
 */
export function openEngine(
  { settings, connection, keyPrefix, replicas, credentials }: ResolvedModuleOptions,
  openStore?: OpenStore,
): LockManager {
  const { commandTimeout, ttl, coexist } = settings;
  const store = { keyPrefix, replicas, credentials, commandTimeout, ttl, coexist };
  const openOwn: OpenStore = (boot, clock) =>
    connection === 'memory'
      ? new MemoryLockStore(boot)
      : openRedisStore(connection, { ...store, boot, clock });
  return new LockManager(settings, openStore ?? openOwn);
}
