import {
  isLockError,
  LockConfigError,
  type LockError,
  type LockErrorCode,
  type LockTimeoutError,
} from '../../engine/api/errors.js';
import { eventOf } from '../../engine/api/lock-events.js';
import { checkKeys, type LockKey } from '../../engine/api/lock-key.js';
import { requestOf } from '../../engine/api/lock-options.check.js';
import type { StopSignal } from '../../engine/api/lock-options.js';
import type { Lock } from '../../engine/api/lock.js';
import type { LockManager } from '../../engine/lock-manager.js';
import { noteFacts } from '../errors/facts.js';
import type { LockedCall } from '../key/locked.options.js';
import type { HeldResult, Released } from '../result/held-result.js';
import { busyStatusOf, type LockService, managerOf } from '../service/lock.service.js';
import type { LockedPlan } from './plan.js';

/** What a call of a `@Locked` method needs to take its lock. */
export interface LockedEntry {
  readonly plan: LockedPlan;
  /** `undefined` when none reaches the object. */
  readonly service: LockService | undefined;
  readonly call: LockedCall;
  /** What the method is called with. */
  readonly args: readonly unknown[];
  /** Ends the wait of a caller that has left. */
  readonly signal?: StopSignal | undefined;
}

/** Where the body of a call holds its lock. */
export interface Section {
  /** Whether the body has given the lock back, or detached it: nothing of it is left to hold. */
  readonly over: boolean;
  /** Runs a task there, from wherever it is called. */
  run<T>(task: () => T): T;
  /** Runs a task around it, from inside. */
  outside<T>(task: () => T): T;
}

/** What {@link enter} resolves with when the lock was busy and the plan skips. */
export const SKIPPED = Symbol('skipped');

const SKIPPABLE: ReadonlySet<LockErrorCode> = new Set(['LOCK_TIMEOUT', 'LOCK_QUEUE_FULL']);

/**
 * Runs `body` under the lock of a call, or skips it. Errors of `body` pass through untouched;
 * those of the lock itself are noted to be this method's.
 */
export async function enter<T>(
  entry: LockedEntry,
  body: (lock: Lock, section: Section) => Promise<T>,
): Promise<T | typeof SKIPPED> {
  const { plan, signal } = entry;
  let bodyRuns = false;
  let key: LockKey = [];
  try {
    const manager = reachableManager(entry);
    key = plan.key.resolve(entry.call, entry.args);
    const request = plan.requestFor(manager.settings);
    const own = signal === undefined ? request : requestOf(request, signal);
    return await manager.runLocked(key, own, async (lock, section) => {
      // The caller may have left just as the lock was granted.
      signal?.throwIfAborted();
      bodyRuns = true;
      const result = await body(lock, section);
      bodyRuns = false;
      return result;
    });
  } catch (error) {
    if (bodyRuns || !isLockError(error)) throw error;
    // Without a key it is an error of the key's function, be it of another lock.
    if (plan.skips && key.length > 0 && SKIPPABLE.has(error.code)) {
      tellSkipped(reachableManager(entry), plan, key, error);
      return SKIPPED;
    }
    noteOrigin(error, entry);
    throw error;
  }
}

/** Throws where the lock of a call is gone before its body begins. */
export function assertStillHeld(entry: LockedEntry, lock: Lock): void {
  try {
    lock.assertHeld();
  } catch (error) {
    if (isLockError(error)) noteOrigin(error, entry);
    throw error;
  }
}

function noteOrigin(error: LockError, { plan, service }: LockedEntry): void {
  const busyStatus = service && busyStatusOf(service);
  noteFacts(error, {
    key: plan.key.template,
    ...(busyStatus !== undefined && { busyStatus }),
  });
}

function reachableManager({ plan, service, call }: LockedEntry): LockManager {
  const manager = service && managerOf(service);
  if (manager !== undefined) return manager;
  if (service !== undefined) {
    throw new LockConfigError([
      `@Locked on ${plan.owner}: a stand-in (${nameOf(service)}) is in the place of LockService, and takes no ` +
        "locks. Provide a LockService with connection: 'memory' instead.",
    ]);
  }
  if (call.context === undefined && !hasMethod(call.target, plan.name)) {
    throw new LockConfigError([
      `@Locked on ${plan.owner}: it was called without its object. Hand on () => service.${plan.method}(), not ` +
        `service.${plan.method}.`,
    ]);
  }
  const module = plan.service === undefined ? '' : ` named "${plan.service}"`;
  throw new LockConfigError([
    `@Locked on ${plan.owner}: no lock service reaches this object. Import a RedisLockModule${module} ` +
      'and let Nest construct the object; one that is made by "new" has no service.',
  ]);
}

/** Whether `this` of a call is an object of the method; of one that was taken off its object it is not. */
function hasMethod(target: unknown, name: string | symbol): boolean {
  return typeof (target as Record<string | symbol, unknown> | undefined)?.[name] === 'function';
}

/** A deep stand-in answers with another one, whatever it is asked. */
function nameOf(standIn: object): string {
  const name: unknown = Reflect.get(standIn, 'constructor')?.name;
  return typeof name === 'string' ? name : typeof standIn;
}

function tellSkipped(manager: LockManager, plan: LockedPlan, key: LockKey, error: LockError): void {
  const keys = checkKeys(key);
  const { key: busy = keys[0] } = error as Partial<LockTimeoutError>;
  manager.events.topics.skipped.tell(eventOf(busy, plan.requestFor(manager.settings), keys));
}

/**
 * {@link enter}, and holds the lock until what `body` returned has ended, though its value is handed
 * on before.
 *
 * @param hold Tells whether a value goes on.
 */
export function enterAndHold(
  entry: LockedEntry,
  body: (lock: Lock) => unknown,
  hold: (value: unknown, lock: Lock, released: Released) => HeldResult | undefined,
): Promise<unknown> {
  let caller: Caller | undefined;
  const answer = new Promise((resolve, reject) => (caller = { resolve, reject }));
  const released: Promise<unknown> = enter(entry, async (lock, section) => {
    const result = await body(lock);
    const held = section.over ? undefined : hold(result, lock, () => released);
    if (held === undefined) return result;
    caller?.resolve(held.value);
    // A value that everybody else has dropped is collected, which ends it: nothing here keeps it.
    caller = undefined;
    return held.ended;
  });
  released.then(
    (result) => caller?.resolve(result),
    (error: unknown) => caller?.reject(error),
  );
  return answer;
}

/** Settles what the caller of a method waits for. */
interface Caller {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}
