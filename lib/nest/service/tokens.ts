import { Inject, type InjectionToken } from '@nestjs/common';
import { LockConfigError } from '../../engine/api/errors.js';
import { show } from '../../engine/api/option-reader.js';
import { LockService } from './lock.service.js';

/** Token of the options inside one dynamic module. */
export const MODULE_OPTIONS = Symbol('RedisLockModuleOptions');

/**
 * The injection token of a lock service.
 *
 * @param name As given to `RedisLockModule`. @default the default service, whose token is its class
 * @example
 * const inventory = app.get(getLockServiceToken('inventory'));
 */
export function getLockServiceToken(name?: string): InjectionToken<LockService> {
  if (name === undefined) return LockService;
  if (typeof name === 'string' && name !== '') return `LockService(${name})`;
  throw new LockConfigError([`The name of a lock service must be a text, got ${show(name)}.`]);
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
