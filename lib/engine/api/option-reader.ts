import { DURATION_FORM, parseDuration } from './duration.js';

/** A table of options: how each is read from what was given; `S` is where defaults come from. */
type OptionTable<S> = Readonly<
  Record<string, { readonly read: (given: OptionReader, usual: S) => unknown }>
>;
/** What a table's options are, defaults filled in. */
type OptionValues<T extends OptionTable<never>> = {
  readonly [Name in keyof T]: ReturnType<T[Name]['read']>;
};

/** A URL with a password, or a text that is longer than any that is right. */
const MAY_HOLD_SECRET = /@|.{60}/s;

/** Reads options one by one and collects what is wrong with them, so that all faults are told at once. */
export class OptionReader {
  readonly problems: string[] = [];
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(options: unknown) {
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
      this.#options = options as Readonly<Record<string, unknown>>;
    } else {
      this.#options = {};
      if (options === undefined) return;
      // A text in their place is most likely a URL, which may hold a password.
      const got = typeof options === 'string' ? 'a string' : show(options);
      this.problems.push(`options must be an object, got ${got}.`);
    }
  }

  /** Reports every option whose name is not in `known`, and an object that has no options at all (a signal, a map). */
  only(known: readonly string[]): void {
    const names = Object.keys(this.#options);
    if (
      names.length === 0 &&
      isInstance(this.#options) &&
      !known.some((name) => name in this.#options)
    )
      this.problems.push(`options must be an object, got ${show(this.#options)}.`);
    for (const name of names) {
      if (!known.includes(name)) {
        this.problems.push(`${name} is not an option; known are ${known.join(', ')}.`);
      }
    }
  }

  /** Reads every option of a table. */
  all<S, T extends OptionTable<S>>(table: T, usual: S): OptionValues<T> {
    const values = Object.entries(table).map(([name, { read }]) => [name, read(this, usual)]);
    return Object.fromEntries(values) as OptionValues<T>;
  }

  /** As it was given, for those that check it themselves. */
  raw(name: string): unknown {
    return this.#options[name];
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

  oneOf<const T extends string>(name: string, values: readonly T[], fallback: T): T {
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

function isInstance(options: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(options);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

/** A wrong value as a message names it; of what may be long, or hold a secret, its kind. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return MAY_HOLD_SECRET.test(value) ? 'a string' : JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value)
      ? 'an array'
      : `an object of class ${value.constructor?.name ?? 'Object'}`;
  }
  return String(value);
}
