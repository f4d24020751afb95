import { type Duration, parseDuration } from './duration.js';
import { LockConfigError } from './errors.js';
import { show } from './option-reader.js';

/** The shortest lease; below it a renewal has no time to be repeated. */
export const MIN_TTL_MS = 100;

/**
 * Reads the `ttl` that a lease is to be extended to.
 *
 * @returns Milliseconds.
 * @throws {LockConfigError} Not a finite duration of at least {@link MIN_TTL_MS}.
 */
export function leaseTime(ttl: Duration, keys: readonly string[]): number {
  const ms = parseDuration(ttl);
  if (ms !== undefined && ms >= MIN_TTL_MS && ms !== Infinity) return ms;
  throw new LockConfigError(
    [`ttl must be a finite duration of at least ${MIN_TTL_MS} ms, got ${show(ttl)}.`],
    keys,
  );
}
