import { LockManager } from '../../engine/lock-manager.js';
import { MemoryLockStore } from '../../memory/memory-lock.store.js';
import { openRedisStore } from '../../redis/open-redis-store.js';
import { LateEngine } from './late-engine.js';
import { type ResolvedModuleOptions, resolveModuleOptions } from './options.check.js';
import type { RedisLockModuleOptions } from './options.js';

export type OpenStore = ConstructorParameters<typeof LockManager>[1];

/**
 * The engine of a service, which opens by itself.
 *
 * @param openStore Opens the store in place of the connection's own.
 * @throws {LockConfigError} All faults of the options at once.
 */
export function engineFor(options: RedisLockModuleOptions, openStore?: OpenStore): LateEngine {
  const resolved = resolveModuleOptions(options);
  const { settings, busyStatus } = resolved;
  const open = () => new LockManager(settings, openStore ?? openOwn(resolved));
  return new LateEngine(settings, busyStatus, open);
}

/** Opens the store of the connection that the options name. */
function openOwn({
  settings: { commandTimeout, ttl, coexist },
  connection,
  keyPrefix,
  replicas,
  credentials,
}: ResolvedModuleOptions): OpenStore {
  const store = { keyPrefix, replicas, credentials, commandTimeout, ttl, coexist };
  return (boot, clock) =>
    connection === 'memory'
      ? new MemoryLockStore(boot)
      : openRedisStore(connection, { ...store, boot, clock });
}
