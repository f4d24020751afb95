import { LockConfigError, LockKeyError } from './errors.js';

/** What is locked: a key, or several, all or nothing; duplicates count once. */
export type LockKey = string | readonly string[];

const MAX_KEY_BYTES = 512;
const STRINGIFIED_OBJECT = '[object ';
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Checks the key of a call.
 *
 * @returns The keys without duplicates, in the order given.
 * @throws {LockKeyError} Not a non-empty string of at most 512 bytes that does not begin with `!`.
 * @throws {LockConfigError} Several keys in one call: not available in this version.
 */
export function checkKey(key: LockKey): readonly [string] {
  if (typeof key === 'string') return [checkOne(key)];
  if (!Array.isArray(key))
    throw new LockKeyError(
      [],
      `A lock key must be a string, got ${key === null ? 'null' : typeof key}.`,
    );
  const [first, ...others] = new Set((key as readonly string[]).map(checkOne));
  if (first === undefined) {
    throw new LockKeyError(
      [],
      'A list of lock keys must name at least one key, got an empty list.',
    );
  }
  if (others.length > 0) {
    throw new LockConfigError(
      [
        'Several keys in one call are not available in this version; take one key that covers them.',
      ],
      [first, ...others],
    );
  }
  return [first];
}

function checkOne(key: unknown): string {
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
  if (LONE_SURROGATE.test(key)) {
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
  // Three bytes is the most a UTF-16 unit takes, so that short keys need no count.
  if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new LockKeyError(
      [`${key.slice(0, 40)}…`],
      `A lock key may have ${MAX_KEY_BYTES} bytes, got ${Buffer.byteLength(key)}: ${JSON.stringify(key.slice(0, 40))}…`,
    );
  }
  return key;
}
