import type { ExecutionContext } from '@nestjs/common';
import type { LockKey } from '../../engine/api/lock-key.js';
import type { LockOptions } from '../../engine/api/lock-options.js';

/**
 * Options of `@Locked`. What is left out comes from the module's options.
 *
 * @example
 * const once: LockedOptions = { ifBusy: 'skip', minHold: '30s' };
 */
export interface LockedOptions extends Omit<LockOptions, 'signal'> {
  /**
   * `'skip'`: a call that finds the lock busy, or its queue full, resolves with `undefined` and does
   * not run; `wait` is 0 then unless it is given. An outage is never a skip. @default 'throw'
   */
  ifBusy?: 'throw' | 'skip' | undefined;
  /** Name of the `RedisLockModule` that keeps the lock. @default the default one */
  service?: string | undefined;
}

/**
 * Makes the key of a call, for what a template can't say. Synchronous: a promise is a `LockKeyError`.
 *
 * @example
 * const byTenant: LockKeyFunction = ({ user, params }) => `order:${user.tenant}:${params.id}`;
 */
export type LockKeyFunction = (call: LockedCall) => LockKey;

/**
 * A call of a `@Locked` method.
 *
 * @example
 * const first = ({ args }: LockedCall) => `order:${String(args[0])}`;
 */
export interface LockedCall {
  /** Of a routed call what `context.getArgs()` returns, before pipes; else the arguments. */
  readonly args: readonly unknown[];
  /** The instance whose method is called. */
  readonly target: object;
  readonly method: string;
  /** Of a call that Nest routed to a handler. */
  readonly context?: ExecutionContext;
  /** HTTP, as the client sent it; so are the next five. The application knows their shapes. */
  /* oxlint-disable typescript/no-explicit-any */
  readonly params?: any;
  readonly query?: any;
  readonly body?: any;
  readonly headers?: any;
  readonly user?: any;
  /* oxlint-enable typescript/no-explicit-any */
  readonly ip?: string;
  /** The payload of an RPC or WebSocket message. */
  readonly data?: unknown;
  /** GraphQL arguments. */
  readonly gql?: Record<string, unknown>;
}
