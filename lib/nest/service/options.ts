import type {
  InjectionToken,
  ModuleMetadata,
  OptionalFactoryDependency,
  Type,
} from '@nestjs/common';
import type { Duration } from '../../engine/api/duration.js';
import type { LockEngineOptions } from '../../engine/api/lock-options.js';
import type { RedisLockConnection } from '../../redis/connection/connection.js';

/**
 * Where locks are kept: what reaches Redis, or `'memory'` for locks of this process only
 * (development, unit tests). A client that is handed in is never closed or reconfigured.
 *
 * @example
 * const connections: LockConnection[] = ['redis://localhost:6379', { host: 'cache', db: 1 }, 'memory'];
 */
// Named beside `string`, which covers it, for whoever reads the type.
// oxlint-disable-next-line typescript/no-redundant-type-constituents
export type LockConnection = RedisLockConnection | 'memory';

/**
 * How lock errors are answered over HTTP.
 *
 * @example
 * const http: LockHttpOptions = { status: 409 };
 */
export interface LockHttpOptions {
  /** Status of a busy lock, 400 to 599. @default 423 */
  status?: number | undefined;
}

/**
 * What a connection to Redis logs in with.
 *
 * @example
 * const credentials = async (): Promise<LockCredentials> => ({ username: 'app', password: await fetchToken() });
 */
export interface LockCredentials {
  /** @default Redis' own default user */
  username?: string | undefined;
  password: string;
}

/**
 * Options of a `RedisLockModule`; checked once, at start, all faults in one `LockConfigError`.
 *
 * @example
 * const options: RedisLockModuleOptions = { connection: 'redis://localhost:6379', ttl: '30s', wait: '10s' };
 */
export interface RedisLockModuleOptions extends LockEngineOptions {
  /** Where locks are kept. */
  connection: LockConnection;
  /** Stands before every key in Redis. @default 'lock:' */
  keyPrefix?: string | undefined;
  /**
   * A grant counts only when this many replicas (1 to 100) have it; too few reject the call with
   * `LOCK_UNAVAILABLE`. `timeout`: longest wait for them. @default unset; `timeout`: `commandTimeout`
   */
  replicas?: { count: number; timeout?: Duration | undefined } | undefined;
  /**
   * What to log in with, asked before every connection to a server that keeps locks (not to Sentinels):
   * tokens of IAM or Entra, passwords that rotate. What it rejects with is told as the cause, and it is
   * asked again. @default what `connection` says
   */
  credentials?: (() => LockCredentials | Promise<LockCredentials>) | undefined;
  /** How lock errors are answered over HTTP; `false` leaves those over HTTP to you. */
  http?: LockHttpOptions | false | undefined;
}

/**
 * What a dynamic module takes beside the options.
 *
 * @example
 * const extras: RedisLockModuleExtras = { name: 'inventory', isGlobal: false };
 */
export interface RedisLockModuleExtras {
  /** Name of the service, for a second one beside the default. @default the default service */
  name?: string | undefined;
  /** Whether the service is visible in every module. @default true */
  isGlobal?: boolean | undefined;
}

/**
 * Makes the options of a `RedisLockModule` (`useClass`, `useExisting`).
 *
 * @example
 * class LockConfig implements RedisLockOptionsFactory {
 *   createRedisLockOptions = () => ({ connection: 'redis://localhost:6379' });
 * }
 */
export interface RedisLockOptionsFactory {
  createRedisLockOptions(): RedisLockModuleOptions | Promise<RedisLockModuleOptions>;
}

/**
 * Takes exactly one of `useFactory`, `useClass` and `useExisting`.
 *
 * @example
 * const options: RedisLockModuleAsyncOptions = {
 *   inject: [ConfigService],
 *   useFactory: (config: ConfigService) => ({ connection: config.getOrThrow<string>('REDIS_URL') }),
 * };
 */
export interface RedisLockModuleAsyncOptions
  extends RedisLockModuleExtras, Pick<ModuleMetadata, 'imports'> {
  /** What `useFactory` is called with. */
  inject?: (InjectionToken | OptionalFactoryDependency)[] | undefined;
  useFactory?:
    // `never[]` would refuse functions that name their arguments' types.
    // oxlint-disable-next-line typescript/no-explicit-any
    ((...args: any[]) => RedisLockModuleOptions | Promise<RedisLockModuleOptions>) | undefined;
  useClass?: Type<RedisLockOptionsFactory> | undefined;
  useExisting?: InjectionToken<RedisLockOptionsFactory> | undefined;
}
