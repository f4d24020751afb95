import {
  LockConfigError,
  type LockError,
  LockLostError,
  LockQueueFullError,
  LockShutdownError,
  LockTimeoutError,
  LockUnavailableError,
} from '../api/errors.js';

/**
 * The error of a call for several keys, of that of one of them: with all keys of the call. What is no
 * lock error is the caller's own.
 *
 * @param waitedMs How long the whole call has waited, in milliseconds.
 */
export function errorOfSet(error: unknown, keys: readonly string[], waitedMs: number): unknown {
  if (error instanceof LockTimeoutError) {
    const waited = error.waitedMs === 0 ? 0 : Math.ceil(waitedMs);
    return new LockTimeoutError(keys, error.key, waited, error.leaseLeftMs, error.holder);
  }
  if (error instanceof LockUnavailableError) return unavailableSet(error, keys);
  if (error instanceof LockQueueFullError)
    return new LockQueueFullError(keys, error.waiters, error.leaseLeftMs);
  if (error instanceof LockShutdownError) return new LockShutdownError(keys);
  if (error instanceof LockConfigError)
    return new LockConfigError(error.problems, keys, error.cause);
  return error;
}

/**
 * As {@link errorOfSet}, of a Redis that failed.
 *
 * @param earlier What failed before in the same call, whose cause stands when this one has none.
 */
export function unavailableSet(
  error: LockUnavailableError,
  keys: readonly string[],
  earlier?: LockUnavailableError,
): LockUnavailableError {
  const { cause, nodes } = error.cause === undefined && earlier !== undefined ? earlier : error;
  return new LockUnavailableError(keys, error.reason, cause, nodes);
}

/** A lock of several keys that is lost with one of them. */
export function lostSet(keys: readonly string[], heldMs: number, cause: LockError): LockLostError {
  // What a section around holds is lost with keys that are none of these.
  const key = cause.keys.find((each) => keys.includes(each)) ?? cause.keys[0];
  const why = `${JSON.stringify(key)} is gone, and the others are released.`;
  return new LockLostError(keys, heldMs, why, undefined, cause);
}
