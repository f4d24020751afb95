import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';

import { LockConfigError } from '../../lib/engine/api/errors.js';
import { LockManager } from '../../lib/engine/lock-manager.js';
import { readSettings } from '../../lib/engine/api/lock-options.check.js';
import { OptionReader } from '../../lib/engine/api/option-reader.js';
import type { LockEngineOptions } from '../../lib/engine/api/lock-options.js';
import { MemoryLockStore } from '../../lib/memory/memory-lock.store.js';
import { MemorySpace } from '../../lib/memory/memory-space.js';
import type { RedisLockConnection } from '../../lib/redis/connection/connection.js';
import type { Replicas } from '../../lib/redis/servers/replicas.check.js';
import type { LoginSource } from '../../lib/redis/client/login.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { afterTest } from './after-test.js';
import { keepLocks } from './keep-locks.js';

export interface ManagerOptions extends LockEngineOptions {
  /** @default 'lock:' */
  readonly keyPrefix?: string;
  readonly replicas?: Replicas;
  readonly credentials?: LoginSource;
}

/**
 * Opens a manager, which stands for one process: on Redis, or in a memory that several share.
 * It is closed when the running test is over; what it still holds then is released at once.
 */
export function openManager(
  connection: RedisLockConnection | MemorySpace,
  { keyPrefix = 'lock:', replicas, credentials, ...options }: ManagerOptions = {},
): LockManager {
  const reader = new OptionReader({ shutdownTimeout: 0, ...options });
  const settings = readSettings(reader);
  if (reader.problems.length > 0) throw new LockConfigError(reader.problems);
  const { commandTimeout, ttl, coexist } = settings;
  const manager = new LockManager(settings, (boot, clock) =>
    connection instanceof MemorySpace
      ? new MemoryLockStore(boot, connection)
      : openRedisStore(connection, {
          keyPrefix,
          commandTimeout,
          ttl,
          coexist,
          boot,
          clock,
          replicas,
          credentials,
        }),
  );
  afterTest(() => manager.close());
  return keepLocks(manager);
}

/** Opens a client of the test's own, which no fault reaches; closed when the running test is over. */
export function openClient(url: string, options: Omit<RedisOptions, 'replyMapping'> = {}): Redis {
  const client = new Redis(url, options);
  client.on('error', () => {});
  afterTest(() => client.disconnect());
  return client;
}
