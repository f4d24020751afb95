export type { Duration } from './engine/api/duration.js';
export {
  LockConfigError,
  LockError,
  LockKeyError,
  LockLostError,
  LockQueueFullError,
  LockShutdownError,
  LockTimeoutError,
  LockUnavailableError,
  isLockError,
} from './engine/api/errors.js';
export type { LockErrorCode } from './engine/api/errors.js';
export type {
  LockEvent,
  LockEventMap,
  LockEvents,
  LockListener,
} from './engine/api/lock-events.js';
export type { LockHolder } from './engine/api/lock-holder.js';
export type { LockKey } from './engine/api/lock-key.js';
export type { LockOptions } from './engine/api/lock-options.js';
export type { Lock, LockInfo } from './engine/api/lock.js';
export { toHttpException } from './nest/errors/http-exception.js';
export { HeldLock } from './nest/locked/held-lock.decorator.js';
export { LockService } from './nest/service/lock.service.js';
export { Locked } from './nest/locked.decorator.js';
export type { LockKeyFunction, LockedCall, LockedOptions } from './nest/key/locked.options.js';
export { RedisLockModule } from './nest/redis-lock.module.js';
export type {
  LockConnection,
  LockCredentials,
  LockHttpOptions,
  RedisLockModuleAsyncOptions,
  RedisLockModuleExtras,
  RedisLockModuleOptions,
  RedisLockOptionsFactory,
} from './nest/service/options.js';
export { InjectLockService, getLockServiceToken } from './nest/service/tokens.js';
