import type { LockRequest } from '../../engine/api/lock-options.js';
import { interceptorsOf } from '../handler/chain.js';
import { lockedInterceptorOf } from '../handler/interceptor.js';
import { isWrapped } from '../locked/plan.js';
import type { HandlerKind } from './handler-kinds.js';
import type { LockedMethod } from './inspection.js';

/** Metadata of `@Cron`, `@Interval` and `@Timeout`: schedule.constants.js of @nestjs/schedule. */
const SCHEDULER_TYPE = 'SCHEDULER_TYPE';

/** Metadata of `@Catch`: constants.js of @nestjs/common. */
const CAUGHT = '__filterCatchExceptions__';

/** Metadata of `@WebSocketGateway`: constants.js of @nestjs/websockets. */
const GATEWAY = 'websockets:is_gateway';

const GATEWAY_HOOKS: ReadonlySet<string | symbol> = new Set([
  'afterInit',
  'handleConnection',
  'handleDisconnect',
]);

/** Hooks that Nest calls when locks are no longer given. */
const LATE_HOOKS: ReadonlySet<string | symbol> = new Set([
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);

/** What advice goes by. */
interface Looked {
  readonly found: LockedMethod;
  /** How the method takes its lock; `undefined` when its options are wrong. */
  readonly request: LockRequest | undefined;
  /** What leads calls to it beside other code. */
  readonly kinds: readonly HandlerKind[];
}

interface Advice {
  readonly text: string;
  readonly isFor: (looked: Looked) => boolean;
}

const ADVICE: readonly Advice[] = [
  {
    text:
      'a decorator above it wraps the method: what it begins before the lock ends after the release, ' +
      'so that a transaction commits unlocked. Write @Locked above it; decorators that only add ' +
      'metadata may stand anywhere.',
    isFor: ({ found: { prototype, name, method } }) => isWrapped(prototype, name, method),
  },
  {
    text:
      'a decorator between it and those of Nest wraps the method and drops its metadata: requests ' +
      'reach it by no interceptor. Write @Locked above that decorator.',
    isFor: ({ found }) => isCutOff(found),
  },
  {
    text:
      "ifBusy: 'skip' without minHold lets a scheduled job run once more, in a replica whose clock is " +
      "a moment later. Add minHold, shorter than the interval and longer than clocks differ: '5s'.",
    isFor: ({ found: { plan, method }, request }) =>
      plan.skips && request?.minHold === 0 && Reflect.hasMetadata(SCHEDULER_TYPE, method),
  },
  {
    text:
      'it returns a promise, though its type says a plain value. Make the method async, for those who ' +
      'call it.',
    isFor: ({ found, kinds }) => kinds.length === 0 && returnsPlainValue(found),
  },
  {
    text: 'when Nest calls this hook the application gives no more locks: it never runs.',
    isFor: ({ found: { name } }) => LATE_HOOKS.has(name),
  },
  {
    text:
      'Nest does not wait for the promise of this hook of a gateway: where the lock is busy nobody handles the ' +
      'rejection, which ends the process. Let it call a locked method, and handle what that rejects with.',
    isFor: ({ found: { name, prototype } }) =>
      GATEWAY_HOOKS.has(name) && Reflect.hasMetadata(GATEWAY, prototype.constructor),
  },
  {
    text:
      'Nest does not wait for the promise of a filter: where the lock is busy nobody answers, and nobody ' +
      'handles the rejection. Let it call a locked method, and handle what that rejects with.',
    isFor: ({ found: { name, prototype } }) =>
      name === 'catch' && Reflect.hasMetadata(CAUGHT, prototype.constructor),
  },
];

/** What is probably a mistake in a `@Locked` method, though it runs. */
export function adviceOn(looked: Looked): string[] {
  const { owner } = looked.found.plan;
  return ADVICE.filter(({ isFor }) => isFor(looked)).map(
    ({ text }) => `@Locked on ${owner}: ${text}`,
  );
}

/** Whether Nest does not find the interceptor that `@Locked` attached, on a method it may route to. */
export function isCutOff({ plan, prototype, name, method }: LockedMethod): boolean {
  if (!isWrapped(prototype, name, method)) return false;
  return !interceptorsOf(method).includes(lockedInterceptorOf(plan.service));
}

const PLAIN: ReadonlySet<unknown> = new Set([String, Number, Boolean, BigInt, Array, Date]);

/** By the type that `emitDecoratorMetadata` has left: callers would use a promise as the value. */
function returnsPlainValue({ prototype, name }: LockedMethod): boolean {
  return PLAIN.has(Reflect.getMetadata('design:returntype', prototype, name));
}
