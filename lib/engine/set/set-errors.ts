import {
  LockConfigError,
  type LockError,
  LockLostError,
  LockQueueFullError,
  LockShutdownError,
  LockTimeoutError,
  LockUnavailableError,
} from '../api/errors.js';
import type { LockRequest } from '../api/lock-options.js';

/** A call for several keys, as its errors tell of it. */
interface SetFacts {
  readonly keys: readonly string[];
  /** How long the whole call has waited, in milliseconds. @default 0 */
  readonly waitedMs?: number;
  /** What failed before in the same call. */
  readonly trouble?: LockUnavailableError | undefined;
  readonly request?: Pick<LockRequest, 'signal'>;
}

/**
 * The error of a call for several keys, of that of one of them: with all keys of the call. What is no
 * lock error is the caller's own, as is what the call was aborted with, be it an error of another lock.
 */
export function errorOfSet(
  error: unknown,
  { keys, waitedMs = 0, trouble, request }: SetFacts,
): unknown {
  if (error === request?.signal?.reason) return error;
  if (error instanceof LockTimeoutError) {
    const waited = error.waitedMs === 0 ? 0 : Math.ceil(waitedMs);
    return new LockTimeoutError(keys, error.key, waited, error.leaseLeftMs, error.holder);
  }
  if (error instanceof LockUnavailableError) return unavailableSet(error, keys, trouble);
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
