export type { Duration } from './engine/duration.js';
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
} from './engine/errors.js';
export type { LockErrorCode } from './engine/errors.js';
export type { LockEvent, LockEventMap, LockEvents, LockListener } from './engine/lock-events.js';
export type { LockKey } from './engine/lock-key.js';
export type { LockOptions } from './engine/lock-options.js';
export type { Lock, LockInfo } from './engine/lock.js';
export { HeldLock } from './nest/held-lock.decorator.js';
export { LockService } from './nest/lock.service.js';
export { Locked } from './nest/locked.decorator.js';
export type { LockKeyFunction, LockedCall, LockedOptions } from './nest/locked.options.js';
export { RedisLockModule } from './nest/redis-lock.module.js';
export type {
  LockConnection,
  LockHttpOptions,
  RedisLockModuleAsyncOptions,
  RedisLockModuleExtras,
  RedisLockModuleOptions,
  RedisLockOptionsFactory,
} from './nest/redis-lock.options.js';
export { InjectLockService, getLockServiceToken } from './nest/redis-lock.tokens.js';
