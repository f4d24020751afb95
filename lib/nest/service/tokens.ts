import { Inject, type InjectionToken } from '@nestjs/common';
import { LockService } from './lock.service.js';

/**
 * The injection token of a lock service.
 *
 * @param name As given to `RedisLockModule`. @default the default service, whose token is its class
 * @example
 * const inventory = app.get(getLockServiceToken('inventory'));
 */
export function getLockServiceToken(name?: string): InjectionToken<LockService> {
  return name === undefined ? LockService : `LockService(${name})`;
}

/**
 * Injects a lock service; `constructor(locks: LockService)` alone injects the default one.
 *
 * @param name As given to `RedisLockModule`. @default the default service
 * @example
 * `class Stock { constructor(@InjectLockService('inventory') readonly locks: LockService) {} }`
 */
export function InjectLockService(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getLockServiceToken(name));
}
