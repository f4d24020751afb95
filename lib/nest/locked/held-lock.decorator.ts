import { LockConfigError } from '../../engine/api/errors.js';

const POSITIONS = 'nestjs-redis-lock:held-lock';

/**
 * Marks the parameter of a `@Locked` method that receives the `Lock`, whatever the caller passes.
 * Elsewhere use `LockService.current()`.
 *
 * @example
 * `class Jobs { @Locked('job:{0}') async run(id: string, @HeldLock() lock?: Lock) { lock?.assertHeld(); } }`
 */
export function HeldLock(): ParameterDecorator {
  return (target, name, position) => {
    // It may have been written before a class, a constructor's or static method's parameter, a method or a field.
    const isOfMethod = name !== undefined && typeof position === 'number';
    if (!isOfMethod || typeof target === 'function') {
      throw new LockConfigError(['@HeldLock is for parameters of @Locked methods.']);
    }
    const others = heldLockPositions(target, name);
    Reflect.defineMetadata(POSITIONS, [...others, position], target, name);
  };
}

/** The positions of a method's `@HeldLock()` parameters; those of an overridden method do not count. */
export function heldLockPositions(target: object, name: string | symbol): readonly number[] {
  return (Reflect.getOwnMetadata(POSITIONS, target, name) ?? []) as readonly number[];
}
