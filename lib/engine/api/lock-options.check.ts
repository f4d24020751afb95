import { capacityOf, MAX_PERMITS } from './capacity.js';
import { LockConfigError } from './errors.js';
import { MIN_TTL_MS } from './lease-time.js';
import type { Lock } from './lock.js';
import type {
  LockEngineOptions,
  LockOptions,
  LockRequest,
  LockSettings,
  StopSignal,
} from './lock-options.js';
import type { ObservedCall } from './lock-observers.js';
import { OptionReader, show } from './option-reader.js';

const MIN_COMMAND_TIMEOUT_MS = 10;
const FINITE = Number.MAX_SAFE_INTEGER;

interface EngineOption {
  readonly read: (given: OptionReader) => unknown;
}

/** The engine's part of the module's options: how each is checked, and its default. */
export const ENGINE_OPTIONS = {
  ttl: { read: (given) => given.duration('ttl', 30_000, MIN_TTL_MS, FINITE) },
  wait: { read: (given) => given.duration('wait', 10_000, 0) },
  renew: { read: (given) => given.boolean('renew', true) },
  localHandoffs: { read: (given) => given.integer('localHandoffs', 16, 0, 1000) },
  coexist: { read: (given) => given.boolean('coexist', false) },
  maxWaiters: { read: (given) => given.integer('maxWaiters', Infinity, 0, Infinity) },
  commandTimeout: {
    read: (given) => given.duration('commandTimeout', 1000, MIN_COMMAND_TIMEOUT_MS, FINITE),
  },
  shutdownTimeout: { read: (given) => given.duration('shutdownTimeout', 10_000, 0) },
  lockOrderWatch: {
    read: (given) => given.boolean('lockOrderWatch', process.env['NODE_ENV'] !== 'production'),
  },
} satisfies Record<keyof LockEngineOptions, EngineOption>;

interface CallOption {
  readonly read: (given: OptionReader, usual: LockSettings) => unknown;
  /** Each call gives its own: not for `@Locked`, which speaks for all calls of a method. */
  readonly ofOneCall?: true;
}

/** The options of a call: how each is checked, its default, and whether `@Locked` takes it. */
const CALL_OPTIONS = {
  ttl: { read: (given, { ttl }) => given.duration('ttl', ttl, MIN_TTL_MS, FINITE) },
  wait: { read: (given, { wait }) => given.duration('wait', wait, 0) },
  renew: { read: (given, { renew }) => given.boolean('renew', renew) },
  mode: { read: (given) => given.oneOf('mode', ['exclusive', 'shared'], 'exclusive') },
  permits: { read: (given) => given.integer('permits', 1, 1, MAX_PERMITS) },
  minHold: { read: (given) => given.duration('minHold', 0, 0, FINITE) },
  maxHold: { read: (given) => given.duration('maxHold', Infinity, 1) },
  onLost: { read: (given) => given.oneOf('onLost', ['throw', 'report'], 'throw') },
  signal: { read: (given) => given.signal('signal'), ofOneCall: true },
  label: { read: (given) => given.text('label', '') },
} satisfies Record<keyof LockOptions, CallOption>;

const CALL_NAMES: readonly string[] = Object.keys(CALL_OPTIONS);

/** The names of those that `@Locked` takes as well. */
export const LOCKED_NAMES: readonly string[] = CALL_NAMES.filter((name) => {
  const option: CallOption = CALL_OPTIONS[name as keyof LockOptions];
  return option.ofOneCall !== true;
});

/** Reads the engine's part of the module's options; faults are left in `reader.problems`. */
export function readSettings(reader: OptionReader): LockSettings {
  return Object.freeze(reader.all(ENGINE_OPTIONS, undefined));
}

/**
 * Checks the options of one call and fills in the defaults.
 *
 * @param known The names that are taken; the caller reads those that are not of `LockOptions`.
 * @throws {LockConfigError} All faults at once.
 */
export function resolveRequest(
  options: unknown,
  settings: LockSettings,
  { template = '', known = CALL_NAMES, keys = [] as readonly string[] } = {},
): LockRequest {
  const reader = new OptionReader(options);
  reader.only(known);
  const { mode, permits, ...own } = reader.all(CALL_OPTIONS, settings);
  const { minHold, ttl, renew } = own;
  if (mode === 'shared' && permits !== 1) {
    reader.problems.push(
      "permits can't be combined with mode: 'shared', which any number may hold.",
    );
  }
  if (minHold > ttl && !renew) {
    reader.problems.push(
      `minHold (${minHold} ms) must not be longer than ttl (${ttl} ms) with renew: false.`,
    );
  }
  if (reader.problems.length > 0) throw new LockConfigError(reader.problems, keys);
  return Object.freeze({ ...own, capacity: capacityOf({ mode, permits }), template });
}

/** A request as one call makes it. Written out: to spread a frozen object costs a µs for each lock. */
export function requestOf(
  request: LockRequest,
  signal: StopSignal | undefined,
  observed?: ObservedCall,
): LockRequest {
  const { ttl, wait, renew, minHold, maxHold, onLost, label, capacity, template, events } = request;
  return {
    ttl,
    wait,
    renew,
    minHold,
    maxHold,
    onLost,
    signal,
    label,
    capacity,
    template,
    events,
    observed,
  };
}

/**
 * Checks what `withLock` is to run.
 *
 * @throws {LockConfigError} It is no function.
 */
export function checkTask<T>(task: (lock: Lock) => T): (lock: Lock) => T {
  if (typeof task === 'function') return (lock) => task(lock);
  throw new LockConfigError([
    `task must be a function, got ${show(task)}: withLock(key, task, options).`,
  ]);
}
