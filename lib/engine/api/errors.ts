import { types } from 'node:util';

/** The stable code of a lock error; applications match this, not the class. */
export type LockErrorCode =
  | 'LOCK_TIMEOUT'
  | 'LOCK_QUEUE_FULL'
  | 'LOCK_UNAVAILABLE'
  | 'LOCK_LOST'
  | 'LOCK_KEY'
  | 'LOCK_CONFIG'
  | 'LOCK_SHUTDOWN';

/** Marks our errors across copies of the package: `Symbol.for` is one registry for the whole process. */
const BRAND = Symbol.for('nestjs-redis-lock.error');

/** Base of every error that this package throws. */
export abstract class LockError extends Error {
  abstract readonly code: LockErrorCode;
  /** The keys of the call that failed; empty when the fault is in the options. */
  readonly keys: readonly string[];

  constructor(keys: readonly string[], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause: copyOfError(cause) });
    this.name = new.target.name;
    this.keys = keys;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** The lock was still busy after `wait`. HTTP 423. */
export class LockTimeoutError extends LockError {
  readonly code = 'LOCK_TIMEOUT';

  /**
   * @param key The key that was busy.
   * @param waitedMs How long this call waited, in milliseconds.
   * @param leaseLeftMs What was left of the holder's lease when last heard of, in milliseconds.
   */
  constructor(
    keys: readonly string[],
    readonly key: string,
    readonly waitedMs: number,
    readonly leaseLeftMs?: number,
  ) {
    super(
      keys,
      waitedMs === 0
        ? `Lock ${quote([key])} is held by somebody else; this call did not wait for it.`
        : `Lock ${quote([key])} is still held after waiting ${Math.round(waitedMs)} ms. ` +
            'Raise wait or shorten the work done under the lock.',
    );
  }
}

/** `maxWaiters` callers of this process wait for the key already. HTTP 503. */
export class LockQueueFullError extends LockError {
  readonly code = 'LOCK_QUEUE_FULL';

  /** @param waiters How many callers of this process waited for the key. */
  constructor(
    keys: readonly string[],
    readonly waiters: number,
    readonly leaseLeftMs?: number,
  ) {
    super(
      keys,
      `Lock ${quote(keys)} has ${waiters} waiting callers in this process, as many as maxWaiters allows.`,
    );
  }
}

/** Redis did not answer, refused, or too few nodes agreed: whether the lock is free is not known. HTTP 503. */
export class LockUnavailableError extends LockError {
  readonly code = 'LOCK_UNAVAILABLE';

  /**
   * @param reason What happened, as a sentence.
   * @param nodes The Redis nodes that failed, as `host:port`.
   */
  constructor(
    keys: readonly string[],
    readonly reason: string,
    cause?: unknown,
    readonly nodes: readonly string[] = [],
  ) {
    super(keys, `Lock ${quote(keys)} is unavailable: ${reason}`, cause);
  }
}

/** The lease ended, or may have ended, while the holder still ran. HTTP 500. */
export class LockLostError extends LockError {
  readonly code = 'LOCK_LOST';

  /**
   * @param heldMs How long the lock had been held, in milliseconds.
   * @param result What the task returned, when it returned on a lost lock.
   */
  constructor(
    keys: readonly string[],
    readonly heldMs: number,
    why: string,
    readonly result?: unknown,
  ) {
    super(
      keys,
      `Lock ${quote(keys)} was lost after ${Math.round(heldMs)} ms: ${why} ` +
        'Writes after this point are not protected.',
    );
  }
}

/** The key can't be built or is not allowed. HTTP 500, or 400 when the request lacks the part. */
export class LockKeyError extends LockError {
  readonly code = 'LOCK_KEY';

  /**
   * @param template The key template, when there is one.
   * @param part The part of it that could not be filled, as written between the braces.
   */
  constructor(
    keys: readonly string[],
    message: string,
    readonly template?: string,
    readonly part?: string,
  ) {
    super(keys, message);
  }
}

/** Wrong options, a missing module, or another type of value under the key in Redis. HTTP 500, or start fails. */
export class LockConfigError extends LockError {
  readonly code = 'LOCK_CONFIG';

  /** @param problems Every fault found, one sentence each. */
  constructor(
    readonly problems: readonly string[],
    keys: readonly string[] = [],
    cause?: unknown,
  ) {
    super(keys, problems.join('\n'), cause);
  }
}

/** The application is closing; no lock is given any more. HTTP 503. */
export class LockShutdownError extends LockError {
  readonly code = 'LOCK_SHUTDOWN';

  constructor(keys: readonly string[]) {
    super(keys, `Lock ${quote(keys)} is not given: the application is closing.`);
  }
}

/**
 * Tells whether `error` is a lock error, also one of another copy of this package.
 *
 * @param code Only errors with this code.
 */
export function isLockError(error: unknown, code?: LockErrorCode): error is LockError {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as unknown as LockError).code === code;
}

/**
 * Copies what is safe to log of an error: name, message, code and stack.
 * A client's own error object carries the command with its arguments: passwords and tokens.
 */
export function copyOfError(error: unknown): Error {
  // Not `instanceof`: Node's own errors are of another realm where tests run in a sandbox.
  if (!types.isNativeError(error)) return new Error(String(error));
  if (isLockError(error)) return error;
  const copy = new Error(error.message);
  copy.name = error.name;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') Object.assign(copy, { code });
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}

function quote(keys: readonly string[]): string {
  return keys.map((key) => JSON.stringify(key)).join(', ');
}
