import { LockConfigError } from '../../engine/api/errors.js';
import { ENGINE_OPTIONS, readSettings } from '../../engine/api/lock-options.check.js';
import type { LockEngineOptions, LockSettings } from '../../engine/api/lock-options.js';
import { OptionReader } from '../../engine/api/option-reader.js';
import { checkPrefix } from '../../redis/cluster/cluster-prefix.js';
import { checkConnection } from '../../redis/connection/connection.check.js';
import { isQuorum } from '../../redis/connection/connection.js';
import { readReplicas, type Replicas } from '../../redis/servers/replicas.check.js';
import type { LockConnection, RedisLockModuleOptions } from './options.js';

type OwnOption = Exclude<keyof RedisLockModuleOptions, keyof LockEngineOptions>;
interface ModuleOption {
  readonly read: (given: OptionReader, settings: LockSettings) => unknown;
}

/** What the module takes beside the engine's options: how each is checked, and its default. */
const OWN_OPTIONS = {
  // Checked when all are read: `'memory'` goes with few of them.
  connection: { read: (given): LockConnection => given.raw('connection') as LockConnection },
  keyPrefix: { read: readPrefix },
  replicas: {
    read: (given, { commandTimeout }) =>
      readReplicas(given.raw('replicas'), commandTimeout, given.problems),
  },
  credentials: { read: readCredentials },
  http: { read: readBusyStatus },
} satisfies Record<OwnOption, ModuleOption>;

const KNOWN = [...Object.keys(ENGINE_OPTIONS), ...Object.keys(OWN_OPTIONS)];

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
  const { problems } = reader;
  reader.only(KNOWN);
  const settings = readSettings(reader);
  const { http: busyStatus, ...own } = reader.all(OWN_OPTIONS, settings);
  const { connection, keyPrefix } = own;
  if (connection !== 'memory') problems.push(...checkConnection(connection));
  problems.push(...checkPrefix(connection, keyPrefix));
  if (connection === 'memory' && reader.raw('replicas') !== undefined) {
    problems.push("replicas needs Redis, got connection 'memory'.");
  }
  if (settings.coexist && isQuorum(connection))
    problems.push('coexist is not available on a quorum of independent servers.');
  if (problems.length > 0) throw new LockConfigError(problems);
  return Object.freeze({ settings, busyStatus, ...own });
}

function readPrefix(given: OptionReader): string {
  const prefix = given.text('keyPrefix', 'lock:');
  // Redis would keep another one, which a list of locks does not find.
  if (!prefix.isWellFormed())
    given.problems.push(
      `keyPrefix must be well-formed text, got ${JSON.stringify(prefix)}: it has half of a surrogate pair.`,
    );
  return prefix;
}

function readCredentials(given: OptionReader): RedisLockModuleOptions['credentials'] {
  const credentials = given.raw('credentials') as RedisLockModuleOptions['credentials'];
  if (credentials !== undefined && given.raw('connection') === 'memory')
    given.problems.push("credentials needs Redis, got connection 'memory'.");
  if (credentials !== undefined && typeof credentials !== 'function')
    given.problems.push(
      `credentials must be a function that gives { username?, password }, got ${typeof credentials}.`,
    );
  return credentials;
}

function readBusyStatus(given: OptionReader): number | false {
  const http = given.raw('http');
  if (http === false) return false;
  const reader = new OptionReader(http);
  reader.only(['status']);
  const status = reader.integer('status', 423, 400, 599);
  given.problems.push(...reader.problems.map((problem) => `http: ${problem}`));
  return status;
}
