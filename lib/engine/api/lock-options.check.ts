import { capacityOf, EXCLUSIVE, MAX_PERMITS } from './capacity.js';
import { DURATION_FORM, parseDuration } from './duration.js';
import { LockConfigError } from './errors.js';
import type { LockRequest, LockSettings } from './lock-options.js';

/** The shortest lease; below it a renewal has no time to be repeated. */
const MIN_TTL_MS = 100;
const MIN_COMMAND_TIMEOUT_MS = 10;

/** The names of {@link LockEngineOptions}; the module checks the rest. */
export const ENGINE_OPTIONS = [
  'ttl',
  'wait',
  'renew',
  'localHandoffs',
  'coexist',
  'maxWaiters',
  'commandTimeout',
  'shutdownTimeout',
] as const;

/** The names of `LockOptions`. */
export const CALL_OPTIONS: readonly string[] = [
  'ttl',
  'wait',
  'renew',
  'mode',
  'permits',
  'minHold',
  'maxHold',
  'onLost',
  'signal',
  'label',
];

/** Reads options one by one and collects what is wrong with them, so that all faults are told at once. */
export class OptionReader {
  readonly problems: string[] = [];
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(options: unknown) {
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
      this.#options = options as Readonly<Record<string, unknown>>;
    } else {
      this.#options = {};
      if (options !== undefined)
        this.problems.push(`options must be an object, got ${show(options)}.`);
    }
  }

  /** Reports every option whose name is not in `known`. */
  only(known: readonly string[]): void {
    for (const name of Object.keys(this.#options)) {
      if (!known.includes(name)) {
        this.problems.push(`${name} is not an option; known are ${known.join(', ')}.`);
      }
    }
  }

  duration(name: string, fallback: number, min: number, max = Infinity): number {
    const value = this.#options[name];
    if (value === undefined) return fallback;
    const ms = parseDuration(value);
    if (ms === undefined) return this.#refuse(name, DURATION_FORM, value, fallback);
    if (ms < min) return this.#refuse(name, `at least ${min} ms`, value, fallback);
    if (ms > max) return this.#refuse(name, `a finite duration`, value, fallback);
    return ms;
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const value = this.#options[name];
    if (value === undefined) return fallback;
    const whole = Number.isInteger(value) || value === Infinity;
    if (whole && (value as number) >= min && (value as number) <= max) return value as number;
    const range = max === Infinity ? `${min} or more` : `from ${min} to ${max}`;
    return this.#refuse(name, `a whole number, ${range}`, value, fallback);
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.#options[name];
    if (value === undefined || typeof value === 'boolean') return value ?? fallback;
    return this.#refuse(name, 'true or false', value, fallback);
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const value = this.#options[name];
    if (value === undefined || values.includes(value as T))
      return (value as T | undefined) ?? fallback;
    return this.#refuse(name, values.map((v) => `'${v}'`).join(' or '), value, fallback);
  }

  text(name: string, fallback: string): string {
    const value = this.#options[name];
    if (value === undefined || typeof value === 'string') return value ?? fallback;
    return this.#refuse(name, 'a string', value, fallback);
  }

  signal(name: string): AbortSignal | undefined {
    const value = this.#options[name];
    if (value === undefined || value instanceof AbortSignal) return value;
    return this.#refuse(name, 'an AbortSignal', value, undefined);
  }

  #refuse<T>(name: string, takes: string, got: unknown, fallback: T): T {
    this.problems.push(`${name} must be ${takes}, got ${show(got)}.`);
    return fallback;
  }
}

/** Reads the engine's part of the module's options; faults are left in `reader.problems`. */
export function readSettings(reader: OptionReader): LockSettings {
  return Object.freeze({
    ttl: reader.duration('ttl', 30_000, MIN_TTL_MS, Number.MAX_SAFE_INTEGER),
    wait: reader.duration('wait', 10_000, 0),
    renew: reader.boolean('renew', true),
    localHandoffs: reader.integer('localHandoffs', 16, 0, 1000),
    coexist: reader.boolean('coexist', false),
    maxWaiters: reader.integer('maxWaiters', Infinity, 0, Infinity),
    commandTimeout: reader.duration(
      'commandTimeout',
      1000,
      MIN_COMMAND_TIMEOUT_MS,
      Number.MAX_SAFE_INTEGER,
    ),
    shutdownTimeout: reader.duration('shutdownTimeout', 10_000, 0),
  });
}

/** The call without options. */
export function defaultRequest(settings: LockSettings, template = ''): LockRequest {
  return Object.freeze({
    capacity: EXCLUSIVE,
    ttl: settings.ttl,
    wait: settings.wait,
    renew: settings.renew,
    minHold: 0,
    maxHold: Infinity,
    onLost: 'throw',
    signal: undefined,
    label: '',
    template,
  });
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
  { template = '', known = CALL_OPTIONS, keys = [] as readonly string[] } = {},
): LockRequest {
  const reader = new OptionReader(options);
  reader.only(known);
  const request: LockRequest = Object.freeze({
    capacity: readCapacity(reader),
    ttl: reader.duration('ttl', settings.ttl, MIN_TTL_MS, Number.MAX_SAFE_INTEGER),
    wait: reader.duration('wait', settings.wait, 0),
    renew: reader.boolean('renew', settings.renew),
    minHold: reader.duration('minHold', 0, 0, Number.MAX_SAFE_INTEGER),
    maxHold: reader.duration('maxHold', Infinity, 1),
    onLost: reader.oneOf('onLost', ['throw', 'report'], 'throw'),
    signal: reader.signal('signal'),
    label: reader.text('label', ''),
    template,
  });
  if (request.minHold > request.ttl && !request.renew) {
    reader.problems.push(
      `minHold (${request.minHold} ms) must not be longer than ttl (${request.ttl} ms) with renew: false.`,
    );
  }
  if (reader.problems.length > 0) throw new LockConfigError(reader.problems, keys);
  return request;
}

/** What `mode` and `permits` ask for. */
function readCapacity(reader: OptionReader): number {
  const mode = reader.oneOf('mode', ['exclusive', 'shared'], 'exclusive');
  const permits = reader.integer('permits', 1, 1, MAX_PERMITS);
  if (mode === 'shared' && permits !== 1)
    reader.problems.push(
      "permits can't be combined with mode: 'shared', which any number may hold.",
    );
  return capacityOf({ mode, permits });
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value)
      ? 'an array'
      : `an object of class ${value.constructor?.name ?? 'Object'}`;
  }
  return String(value);
}
