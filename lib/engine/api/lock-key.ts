import { LockKeyError } from './errors.js';

/**
 * What is locked: a key, or several, all or nothing; duplicates count once.
 *
 * @example
 * const keys: LockKey[] = ['order:7', ['account:1', 'account:2']];
 */
export type LockKey = string | readonly string[];

/** The keys of a call as they are taken: sorted, each once. */
export type LockKeys = readonly [string, ...string[]];

const MAX_KEY_BYTES = 512;
const MAX_KEYS = 1000;
const STRINGIFIED_OBJECT = '[object ';

/**
 * Checks the keys of a call.
 *
 * @returns The keys without duplicates, in the order of their bytes: the one order in which everybody
 * takes several.
 * @throws {LockKeyError} One is no key, there is none, or there are too many.
 */
export function checkKeys(key: LockKey): LockKeys {
  if (!Array.isArray(key)) return [checkKey(key)];
  const sorted = Array.from(key as readonly unknown[], checkKey).sort(byBytes);
  const [first, ...others] = sorted.filter((each, i) => each !== sorted[i - 1]);
  if (first === undefined) {
    throw new LockKeyError(
      [],
      'A list of lock keys must name at least one key, got an empty list.',
    );
  }
  if (others.length >= MAX_KEYS) {
    const count = others.length + 1;
    throw new LockKeyError([], `A call may name ${MAX_KEYS} lock keys at most, got ${count}.`);
  }
  return [first, ...others];
}

/** The order of keys: that of their bytes in UTF-8, which is not quite that of JavaScript. */
export function byBytes(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let i = 0; i < length; i += 1) {
    const unit = one.charCodeAt(i);
    const its = other.charCodeAt(i);
    if (unit !== its) return rankOf(unit) - rankOf(its);
  }
  return one.length - other.length;
}

/** Surrogates stand for characters that come after all others. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * Checks one key.
 *
 * @throws {LockKeyError} Not a non-empty string of at most 512 bytes that does not begin with `!`.
 */
export function checkKey(key: unknown): string {
  if (typeof key !== 'string') {
    throw new LockKeyError(
      [],
      `A lock key must be a string, got ${key === null ? 'null' : typeof key}.`,
    );
  }
  if (key === '') throw new LockKeyError([key], 'A lock key must not be empty.');
  if (key.startsWith('!')) {
    throw new LockKeyError([key], `Lock key ${JSON.stringify(key)} must not begin with "!".`);
  }
  if (!key.isWellFormed()) {
    throw new LockKeyError([key], `Lock key ${JSON.stringify(key)} is not well-formed Unicode.`);
  }
  if (key.includes(STRINGIFIED_OBJECT)) {
    throw new LockKeyError(
      [key],
      `Lock key ${JSON.stringify(key)} holds "${STRINGIFIED_OBJECT}": an object was made text, the same ` +
        'for every object. Use a field of it. A key function gets one argument, the call, whose `args` ' +
        'are the arguments.',
    );
  }
  if (isTooLong(key)) {
    throw new LockKeyError(
      [`${key.slice(0, 40)}…`],
      `A lock key may have ${MAX_KEY_BYTES} bytes, got ${Buffer.byteLength(key)}: ${JSON.stringify(key.slice(0, 40))}…`,
    );
  }
  return key;
}

/** Whether a key has more than 512 bytes. */
export function isTooLong(key: string): boolean {
  // Three bytes is the most a UTF-16 unit takes, so that short keys need no count.
  return key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES;
}
