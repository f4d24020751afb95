import { LockConfigError } from '../../engine/api/errors.js';
import { ENGINE_OPTIONS, OptionReader, readSettings } from '../../engine/api/lock-options.check.js';
import type { LockSettings } from '../../engine/api/lock-options.js';
import { checkPrefix } from '../../redis/cluster/cluster-clients.js';
import { checkConnection } from '../../redis/connection/connection.check.js';
import { isQuorum } from '../../redis/connection/connection.js';
import { readReplicas, type Replicas } from '../../redis/servers/replicas.js';
import type { LockConnection, RedisLockModuleOptions } from './options.js';

const MODULE_OPTIONS = [
  ...ENGINE_OPTIONS,
  'connection',
  'keyPrefix',
  'replicas',
  'credentials',
  'http',
];

/** {@link RedisLockModuleOptions} with every default filled in. */
export interface ResolvedModuleOptions {
  readonly settings: LockSettings;
  readonly connection: LockConnection;
  readonly keyPrefix: string;
  readonly replicas: Replicas | undefined;
  readonly credentials: RedisLockModuleOptions['credentials'];
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
  const settings = readSettings(reader);
  const resolved: ResolvedModuleOptions = Object.freeze({
    settings,
    connection: options?.connection,
    keyPrefix: reader.text('keyPrefix', 'lock:'),
    replicas: readReplicas(given.replicas, settings.commandTimeout, reader.problems),
    credentials: readCredentials(given, reader.problems),
    busyStatus: readBusyStatus(given.http, reader.problems),
  });
  if (given.connection !== 'memory') reader.problems.push(...checkConnection(given.connection));
  reader.problems.push(...checkPrefix(given.connection, resolved.keyPrefix));
  if (given.connection === 'memory' && given.replicas !== undefined) {
    reader.problems.push("replicas needs Redis, got connection 'memory'.");
  }
  if (settings.coexist && isQuorum(given.connection))
    reader.problems.push('coexist is not available on a quorum of independent servers.');
  if (reader.problems.length > 0) throw new LockConfigError(reader.problems);
  return resolved;
}

function readCredentials(
  { credentials, connection }: Partial<RedisLockModuleOptions>,
  problems: string[],
): RedisLockModuleOptions['credentials'] {
  if (credentials !== undefined && connection === 'memory')
    problems.push("credentials needs Redis, got connection 'memory'.");
  if (credentials !== undefined && typeof credentials !== 'function')
    problems.push(
      `credentials must be a function that gives { username?, password }, got ${typeof credentials}.`,
    );
  return credentials;
}

function readBusyStatus(http: unknown, problems: string[]): number | false {
  if (http === false) return false;
  const reader = new OptionReader(http);
  reader.only(['status']);
  const status = reader.integer('status', 423, 400, 599);
  problems.push(...reader.problems.map((problem) => `http: ${problem}`));
  return status;
}
