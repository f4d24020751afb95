import type { Lock } from '../../engine/api/lock.js';
import { enterAndHold, type LockedEntry, SKIPPED } from '../locked/entry.js';
import type { LockedPlan } from '../locked/plan.js';
import { DeferredIterator } from '../result/deferred-iterator.js';
import { holdResult } from '../result/held-result.js';
import type { LockService } from '../service/lock.service.js';
import { outsideRoutes, type RoutedCall, routeTo } from './routed-call.js';

/** A method as decorators find it. */
export type Method = (this: object, ...args: unknown[]) => unknown;

/** One call of a `@Locked` method. */
interface MethodCall {
  readonly target: object;
  readonly args: readonly unknown[];
  readonly route: RoutedCall | undefined;
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
    target,
    args,
    route: routeTo(plan),
    body: (lock) => {
      const filled = [...args];
      for (const position of lockParameters) filled[position] = lock;
      return outsideRoutes(() => original.apply(target, filled));
    },
  });
  const locked = isAsyncGenerator(original)
    ? function (this: object, ...args: unknown[]): unknown {
        return iterateLocked(plan, callOf(this, args));
      }
    : function (this: object, ...args: unknown[]): Promise<unknown> {
        return runLocked(plan, callOf(this, args));
      };
  Object.setPrototypeOf(locked, original);
  for (const name of ['name', 'length'] as const) {
    Object.defineProperty(locked, name, { value: original[name], configurable: true });
  }
  return locked;
}

/** Whether calling the function gives an async generator at once. */
function isAsyncGenerator(method: Method): boolean {
  return Object.prototype.toString.call(method) === '[object AsyncGeneratorFunction]';
}

/** Takes the lock unless the route of the call has it, and resolves with what the body returns. */
async function runLocked(plan: LockedPlan, call: MethodCall): Promise<unknown> {
  const { route, body } = call;
  if (route?.lock !== undefined) return route.run(body, route.lock);
  const hold = route === undefined ? holdResult : route.hold.bind(route);
  const result = await enterAndHold(entryOf(plan, call), body, hold);
  if (result !== SKIPPED) return result;
  route?.answerEmpty();
  return undefined;
}

/** The same for a generator, which is handed out before its first step takes the lock. */
function iterateLocked(plan: LockedPlan, call: MethodCall): unknown {
  const { route, body } = call;
  if (route?.lock !== undefined) return route.keep(body(route.lock), route.lock);
  return new DeferredIterator(async () => {
    return (await runLocked(plan, call)) as AsyncIterator<unknown> | undefined;
  });
}

function entryOf(plan: LockedPlan, { route, target, args }: MethodCall): LockedEntry {
  if (route !== undefined) return { ...route.entry, args };
  // A method that was taken off its object has no `this`.
  const service = (target as Record<symbol, LockService | undefined> | undefined)?.[plan.property];
  return { plan, service, call: { args, target, method: plan.method }, args };
}
