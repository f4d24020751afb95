import { LockConfigError } from '../engine/errors.js';
import type { LockStore } from '../engine/lock-store.js';
import { checkConnection, openClients } from './lock-connection.js';
import type { RedisLockConnection } from './lock-connection.js';
import { RedisLockStore } from './redis-lock.store.js';

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
 * @throws {LockConfigError} `connection` is of no form that is available.
 */
export function openRedisStore(
  connection: RedisLockConnection,
  options: RedisStoreOptions,
): LockStore {
  const problems = checkConnection(connection);
  if (problems.length > 0) throw new LockConfigError(problems);
  return new RedisLockStore(openClients(connection, options.commandTimeout), options);
}
