import type { Lock } from '../../engine/api/lock.js';
import { enterAndHold, type LockedEntry, SKIPPED } from '../locked/entry.js';
import type { LockedPlan } from '../locked/plan.js';
import { DeferredIterator } from '../result/deferred-iterator.js';
import { holdResult } from '../result/held-result.js';
import type { LockService } from '../service/lock.service.js';
import { errorOfField } from './field-resolver.js';
import { outsideRoutes, routeTo } from './lead.js';
import type { RoutedCall } from './routed-call.js';

/** A method as decorators find it. */
export type Method = (this: object, ...args: unknown[]) => unknown;

/** One call of a `@Locked` method. */
interface MethodCall {
  readonly plan: LockedPlan;
  readonly method: object;
  readonly target: object;
  readonly args: readonly unknown[];
  readonly body: (lock: Lock) => unknown;
}

/**
 * Makes the method that runs `original` under its lock. Its prototype is `original`, so that
 * `Reflect.getMetadata` finds what decorators below `@Locked` have put there.
 *
 * @param lockParameters Positions of parameters that receive the lock.
 */
export function lockMethod(
  original: Method,
  plan: LockedPlan,
  lockParameters: readonly number[],
): Method {
  const callOf = (target: object, args: unknown[]): MethodCall => ({
    plan,
    method: locked,
    target,
    args,
    body: (lock) => {
      const filled = lockParameters.length === 0 ? args : [...args];
      for (const position of lockParameters) filled[position] = lock;
      return outsideRoutes(() => original.apply(target, filled));
    },
  });
  const locked: Method = isAsyncGenerator(original)
    ? function (this: object, ...args: unknown[]): unknown {
        return routed(callOf(this, args), iterateLocked);
      }
    : function (this: object, ...args: unknown[]): Promise<unknown> {
        return routed(callOf(this, args), runLocked);
      };
  Object.setPrototypeOf(locked, original);
  const shown = { name: original.name, length: lengthOf(original, lockParameters) };
  for (const [name, value] of Object.entries(shown)) {
    Object.defineProperty(locked, name, { value, configurable: true });
  }
  return locked;
}

/**
 * Without the last parameters if they receive the lock: Bull, say, gives a callback to every method that has a second
 * parameter, and waits until it is called.
 */
function lengthOf(original: Method, lockParameters: readonly number[]): number {
  let { length } = original;
  while (lockParameters.includes(length - 1)) length -= 1;
  return length;
}

/** How compilers for targets before ES2018 begin the result of an `async *` method. */
const COMPILED_GENERATOR =
  /^return\s+(?:\(0,\s*)?[\w$.]*(?:asyncGenerator|wrapAsyncGenerator|wrap_async_generator)\b/;

/** Whether calling the function gives an async generator at once. */
function isAsyncGenerator(method: Method): boolean {
  if (Object.prototype.toString.call(method) === '[object AsyncGeneratorFunction]') return true;
  const source = Function.prototype.toString.call(method);
  const begin = source.search(/\breturn\b/);
  return begin >= 0 && COMPILED_GENERATOR.test(source.slice(begin));
}

/** Takes the lock unless the route of the call has it, and resolves with what the body returns. */
function runLocked(call: MethodCall, route?: RoutedCall): Promise<unknown> {
  if (route?.lock !== undefined) return route.run(call.body, route.lock);
  return takeLock(call, route);
}

/** The same for a generator, which is handed out before its first step takes the lock. */
function iterateLocked(call: MethodCall, route?: RoutedCall): unknown {
  if (route?.lock !== undefined) return route.iterate(call.body, route.lock);
  // A subscription tells only before its iteration begins why it can't.
  if (route?.isSubscription) return takeLock(call, route);
  return new DeferredIterator(async () => {
    return (await takeLock(call, route)) as AsyncIterator<unknown> | undefined;
  });
}

/** Once the chain of a route has ended, a call that comes from it is one by itself. */
function routed<T>(call: MethodCall, go: (call: MethodCall, route?: RoutedCall) => T): T {
  const route = routeTo(call.plan, call.target);
  if (route?.over) return route.outside(() => go(call));
  route?.call.reach(call.target);
  return go(call, route);
}

async function takeLock(call: MethodCall, route: RoutedCall | undefined): Promise<unknown> {
  const hold = route === undefined ? holdResult : route.holdOwn.bind(route);
  try {
    const result = await enterAndHold(entryOf(call, route), call.body, hold);
    return result === SKIPPED ? route?.answerEmpty() : result;
  } catch (error) {
    throw route === undefined ? errorOfField(call.method, error) : error;
  }
}

function entryOf({ plan, target, args }: MethodCall, route: RoutedCall | undefined): LockedEntry {
  if (route !== undefined) {
    const { service, call, signal } = route.entry;
    return { plan, service, call, args, signal };
  }
  // A method that was taken off its object has no `this`.
  const service = (target as Record<symbol, LockService | undefined> | undefined)?.[plan.property];
  return { plan, service, call: { args, target, method: plan.method }, args };
}
