import { LockConfigError } from '../engine/errors.js';
import { ENGINE_OPTIONS, OptionReader, readSettings } from '../engine/lock-options.check.js';
import type { LockSettings } from '../engine/lock-options.js';
import { checkConnection } from '../redis/lock-connection.js';
import type { LockConnection, RedisLockModuleOptions } from './redis-lock.options.js';

const MODULE_OPTIONS = [...ENGINE_OPTIONS, 'connection', 'keyPrefix', 'replicas', 'http'];

/** {@link RedisLockModuleOptions} with every default filled in. */
export interface ResolvedModuleOptions {
  readonly settings: LockSettings;
  readonly connection: LockConnection;
  readonly keyPrefix: string;
  /** Status of a busy lock; `false`: lock errors are not answered here. */
  readonly busyStatus: number | false;
}

/**
 * Checks a module's options and fills in the defaults.
 *
 * @throws {LockConfigError} All faults at once.
 */
export function resolveModuleOptions(options: RedisLockModuleOptions): ResolvedModuleOptions {
  const reader = new OptionReader(options);
  reader.only(MODULE_OPTIONS);
  const given: Partial<RedisLockModuleOptions> = { ...options };
  const resolved: ResolvedModuleOptions = Object.freeze({
    settings: readSettings(reader),
    connection: options?.connection,
    keyPrefix: reader.text('keyPrefix', 'lock:'),
    busyStatus: readBusyStatus(given.http, reader.problems),
  });
  if (given.connection !== 'memory') reader.problems.push(...checkConnection(given.connection));
  if (given.replicas !== undefined) {
    reader.problems.push('replicas is not available in this version; leave it out.');
  }
  if (reader.problems.length > 0) throw new LockConfigError(reader.problems);
  return resolved;
}

function readBusyStatus(http: unknown, problems: string[]): number | false {
  if (http === false) return false;
  const reader = new OptionReader(http);
  reader.only(['status']);
  const status = reader.integer('status', 423, 400, 599);
  problems.push(...reader.problems.map((problem) => `http: ${problem}`));
  return status;
}
