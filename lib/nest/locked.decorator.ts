import { Inject, UseInterceptors } from '@nestjs/common';
import { LockConfigError } from '../engine/api/errors.js';
import { lockedInterceptorOf } from './handler/interceptor.js';
import { lockMethod, type Method } from './handler/method.js';
import type { LockedOptions, LockKeyFunction } from './key/locked.options.js';
import { heldLockPositions } from './locked/held-lock.decorator.js';
import { LockedPlan, ownLockedPlanOf, setLockedPlan } from './locked/plan.js';
import { getLockServiceToken } from './service/tokens.js';

/**
 * Runs a method only while it holds a lock: a handler of any transport, a method of a provider, a
 * `@Cron` job. It may stand anywhere among the decorators of the method, which returns a promise
 * from then on (an `async *` method its generator).
 *
 * A handler takes its lock after the guards and before the pipes; a positional key (`{0}`) is made
 * after the pipes. The lock is held until the promise, Observable, iterable or streamed response
 * has ended. The method never runs without its lock.
 *
 * @example
 * `class Orders { @Locked('order:{0}', { wait: '2s' }) async pay(id: number) { return id; } }`
 *
 * @param key A template (`order:{params.id}`, `{0}`), a list of them, or a function.
 * @throws {LockConfigError} At decoration: a wrong template or option, a static method, a sync
 * generator, a second `@Locked`. From a call: no lock service reaches the object.
 */
export function Locked(
  key: string | readonly string[] | LockKeyFunction,
  options: LockedOptions = {},
): MethodDecorator {
  return (target: object, name: string | symbol, descriptor: PropertyDescriptor) => {
    const original = checkMethod(target, name, descriptor);
    const plan = new LockedPlan(classNameOf(target), name, key, options);
    const locked = lockMethod(original, plan, heldLockPositions(target, name));
    descriptor.value = locked;
    setLockedPlan(plan, target, name, locked);
    injectService(target, plan);
    UseInterceptors(lockedInterceptorOf(plan.service))(target, name, descriptor);
    return descriptor;
  };
}

function checkMethod(
  target: object,
  name: string | symbol | undefined,
  descriptor?: PropertyDescriptor,
): Method {
  refuseStandardDecorators(name);
  // Before a class, or a parameter of its constructor.
  if (name === undefined)
    throw new LockConfigError([`@Locked on ${classNameOf(target)}: only methods can be locked.`]);
  const owner = `@Locked on ${classNameOf(target)}.${String(name)}`;
  if (typeof target === 'function') {
    throw new LockConfigError([
      `${owner}: a static method has no instance that a service reaches.`,
    ]);
  }
  const method: unknown = descriptor?.value;
  if (typeof method !== 'function')
    throw new LockConfigError([`${owner}: only methods can be locked.`]);
  if (Object.prototype.toString.call(method) === '[object GeneratorFunction]') {
    throw new LockConfigError([`${owner}: a sync generator can't wait for a lock; make it async.`]);
  }
  if (ownLockedPlanOf(target, name) !== undefined) {
    throw new LockConfigError([`${owner}: the method has another @Locked.`]);
  }
  return method as Method;
}

/** A standard (TC39) decorator gets the method itself and an object that describes it. */
function refuseStandardDecorators(name: unknown): void {
  if (typeof name !== 'object' || name === null || !('kind' in name)) return;
  const { name: method } = name as { name?: unknown };
  throw new LockConfigError([
    `@Locked on ${String(method)}: it was called as a standard decorator, and Nest uses legacy ones. ` +
      'Set "experimentalDecorators" and "emitDecoratorMetadata" in tsconfig.json.',
  ]);
}

function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}

/** Real injection, once for each service: right in every module, and start fails without one. */
function injectService(target: object, plan: LockedPlan): void {
  if (Reflect.hasMetadata(plan.property, target)) return;
  Reflect.defineMetadata(plan.property, true, target);
  Inject(getLockServiceToken(plan.service))(target, plan.property);
}
