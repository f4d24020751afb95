import type { Duration } from './duration.js';
import type { LockEventTopics } from './lock-events.js';
import type { ObservedCall } from './lock-observers.js';

/**
 * Options of one call. What is left out comes from the module's options.
 *
 * @example
 * const options: LockOptions = { ttl: '1m', wait: '2s', label: 'nightly import' };
 */
export interface LockOptions {
  /** Lease, renewed while held; at least 100 ms. @default the module's `ttl` */
  ttl?: Duration | undefined;
  /** Longest wait for a busy lock, which bounds the whole call; 0 tries once, `Infinity` is allowed. @default the module's `wait` */
  wait?: Duration | undefined;
  /** Whether the lease is renewed while held. @default the module's `renew` */
  renew?: boolean | undefined;
  /** `'shared'` holders exclude `'exclusive'` ones only. Not on a quorum. @default 'exclusive' */
  mode?: 'exclusive' | 'shared' | undefined;
  /**
   * A semaphore: this many holders at once, 1 to 1 000 000, the same number at every caller. Not on a
   * quorum. @default 1
   */
  permits?: number | undefined;
  /** The lock stays locked at least this long after it was acquired, even when released before. @default 0 */
  minHold?: Duration | undefined;
  /** Renewal stops after this time, the lock counts as lost and is released. @default Infinity */
  maxHold?: Duration | undefined;
  /** What `withLock` and `@Locked` do when the task returned on a lost lock. @default 'throw' */
  onLost?: 'throw' | 'report' | undefined;
  /** Stops the wait; the call rejects with `signal.reason` itself. */
  signal?: AbortSignal | undefined;
  /** Who holds the lock, for people: shown by `inspect` and `list`. @default '' */
  label?: string | undefined;
}

/** Options of `attach`; the rest is as the lock was taken. `label` is by default that of the call that took it. */
export type AttachOptions = Pick<LockOptions, 'ttl' | 'renew' | 'maxHold' | 'label'>;

/** What the engine takes from the module's options. */
export interface LockEngineOptions {
  /** Lease of a lock, renewed while held; at least 100 ms. @default 30_000 */
  ttl?: Duration | undefined;
  /** Longest wait for a busy lock; 0 tries once, `Infinity` is allowed. @default 10_000 */
  wait?: Duration | undefined;
  /** Whether leases are renewed while held. @default true */
  renew?: boolean | undefined;
  /** Hand-overs inside this process before another, waiting process gets its turn; 0 to 1000. @default 16 */
  localHandoffs?: number | undefined;
  /**
   * Other libraries use the same keys meanwhile (a migration): the lock is left free for a moment at
   * least twice a second instead of handed over. Not on a quorum. @default false
   */
  coexist?: boolean | undefined;
  /** Waiters for one key in this process before the next is refused; 0 or more. @default Infinity */
  maxWaiters?: number | undefined;
  /** Longest wait for one answer of one Redis node; at least 10 ms. @default 1_000 */
  commandTimeout?: Duration | undefined;
  /** How long `shutdown()` lets running holders finish. @default 10_000 */
  shutdownTimeout?: Duration | undefined;
  /**
   * Warns once of any two key templates whose locks are taken inside each other in both orders, which is a
   * deadlock in waiting. @default unless `NODE_ENV` is `'production'`
   */
  lockOrderWatch?: boolean | undefined;
}

/** Options with every default filled in; durations in milliseconds. */
type Filled<Options> = {
  readonly [Name in keyof Options]-?: Options[Name] extends Duration | undefined
    ? number
    : Exclude<Options[Name], undefined>;
};

/** {@link LockEngineOptions} with every default filled in. */
export type LockSettings = Filled<LockEngineOptions>;

/** What stops a wait: an `AbortSignal`, or what does as one. */
export interface StopSignal extends Pick<AbortSignal, 'aborted' | 'reason' | 'throwIfAborted'> {
  addEventListener(type: 'abort', listener: () => void, options: { once: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** {@link LockOptions} of one call with every default filled in. */
export interface LockRequest extends Filled<Omit<LockOptions, 'mode' | 'permits' | 'signal'>> {
  /** How many may hold the key beside each other: `mode` and `permits`. */
  readonly capacity: number;
  readonly signal: StopSignal | undefined;
  readonly template: string;
  /** Unset when nobody observes. */
  readonly observed?: ObservedCall | undefined;
  /** Hears of this call in place of the listeners: it is part of one for several keys. */
  readonly events?: LockEventTopics | undefined;
}
