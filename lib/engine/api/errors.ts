import { describeHolder, type LockHolder } from './lock-holder.js';
import { brand, isBranded } from './error-brand.js';
import { copyOfError } from './error-cause.js';
import { quote, withoutNone } from './error-keys.js';

/** The stable code of a lock error; applications match this, not the class. @example const busy: LockErrorCode = 'LOCK_TIMEOUT' */
export type LockErrorCode =
  | 'LOCK_TIMEOUT'
  | 'LOCK_QUEUE_FULL'
  | 'LOCK_UNAVAILABLE'
  | 'LOCK_LOST'
  | 'LOCK_KEY'
  | 'LOCK_CONFIG'
  | 'LOCK_SHUTDOWN';

/** `LOCK_QUEUE_FULL` is of a LockQueueFullError; a minified class has lost its name. */
function nameOf(code: LockErrorCode): string {
  const words = code
    .toLowerCase()
    .replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
  return `${words}Error`;
}

/**
 * Base of every error that this package throws. `instanceof` goes by brand and code, here and in each
 * of the classes: it knows the errors of another copy of the package, and those that were mapped for
 * a transport. @example if (error instanceof LockError) console.warn(error.code, error.keys);
 */
export abstract class LockError extends Error {
  /** The code of all errors of a class. @internal */
  static readonly code?: LockErrorCode;
  abstract readonly code: LockErrorCode;
  /** The keys of the call that failed; empty when the fault is in the options. */
  readonly keys: readonly string[];

  constructor(keys: readonly string[], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause: copyOfError(cause) });
    const { code } = new.target;
    this.name = code === undefined ? new.target.name : nameOf(code);
    this.keys = keys;
    brand(this);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A class that an application derives from one of these has instances of its own only.
    const isOurs = this === LockError || Object.hasOwn(this, 'code');
    if (!isOurs) return Function.prototype[Symbol.hasInstance].call(this, value);
    return isLockError(value, this.code);
  }
}

/** The lock was still busy after `wait`. HTTP 423. @example if (error instanceof LockTimeoutError) console.log(error.key, error.waitedMs); */
export class LockTimeoutError extends LockError {
  static override readonly code = 'LOCK_TIMEOUT';
  readonly code = LockTimeoutError.code;

  /**
   * @param key The key that was busy.
   * @param waitedMs How long this call waited, in milliseconds.
   * @param leaseLeftMs What was left of the holder's lease when last heard of, in milliseconds.
   * @param holder Who held the lock when last heard of, where that is known.
   */
  constructor(
    keys: readonly string[],
    readonly key: string,
    readonly waitedMs: number,
    readonly leaseLeftMs?: number,
    readonly holder?: LockHolder,
  ) {
    const by = holder === undefined ? '' : ` ${describeHolder(holder)}`;
    super(
      keys,
      waitedMs === 0
        ? `Lock ${quote([key])} is held${by || ' by somebody else'}; this call did not wait for it.`
        : `Lock ${quote([key])} is still held after waiting ${Math.round(waitedMs)} ms` +
            `${by && ','}${by}. Raise wait or shorten the work done under the lock.`,
    );
  }
}

/** `maxWaiters` callers of this process wait for the key already. HTTP 503. @example if (error instanceof LockQueueFullError) console.log(error.waiters); */
export class LockQueueFullError extends LockError {
  static override readonly code = 'LOCK_QUEUE_FULL';
  readonly code = LockQueueFullError.code;

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

/** Redis did not answer, refused, or too few nodes agreed: whether the lock is free is not known. HTTP 503. @example if (error instanceof LockUnavailableError) console.error(error.reason, error.nodes); */
export class LockUnavailableError extends LockError {
  static override readonly code = 'LOCK_UNAVAILABLE';
  readonly code = LockUnavailableError.code;

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
    const named = withoutNone(keys);
    const what = named.length === 0 ? 'Locks are' : `Lock ${quote(named)} is`;
    super(named, `${what} unavailable: ${reason}`, cause);
  }
}

/** The lease ended, or may have ended, while the holder still ran. HTTP 500. @example if (error instanceof LockLostError) console.error(error.heldMs, error.result); */
export class LockLostError extends LockError {
  static override readonly code = 'LOCK_LOST';
  readonly code = LockLostError.code;

  /**
   * @param heldMs How long the lock had been held, in milliseconds.
   * @param result What the task returned, when it returned on a lost lock.
   * @param cause Why its last renewal failed, when it did.
   */
  constructor(
    keys: readonly string[],
    readonly heldMs: number,
    why: string,
    readonly result?: unknown,
    cause?: unknown,
  ) {
    super(
      keys,
      `Lock ${quote(keys)} was lost after ${Math.round(heldMs)} ms: ${why} ` +
        'Writes after this point are not protected.',
      cause,
    );
  }
}

/** The key can't be built or is not allowed. HTTP 500, or 400 when the request lacks the part. @example if (error instanceof LockKeyError) console.log(error.template, error.part); */
export class LockKeyError extends LockError {
  static override readonly code = 'LOCK_KEY';
  readonly code = LockKeyError.code;

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

/** Wrong options, a missing module, or another type of value under the key in Redis. HTTP 500, or start fails. @example if (error instanceof LockConfigError) console.error(error.problems.join('\n')); */
export class LockConfigError extends LockError {
  static override readonly code = 'LOCK_CONFIG';
  readonly code = LockConfigError.code;

  /** @param problems Every fault found, one sentence each. */
  constructor(
    readonly problems: readonly string[],
    keys: readonly string[] = [],
    cause?: unknown,
  ) {
    super(keys, problems.join('\n'), cause);
  }
}

/** The application is closing; no lock is given any more. HTTP 503. @example if (error instanceof LockShutdownError) console.log('closing'); */
export class LockShutdownError extends LockError {
  static override readonly code = 'LOCK_SHUTDOWN';
  readonly code = LockShutdownError.code;

  constructor(keys: readonly string[]) {
    super(keys, `Lock ${quote(keys)} is not given: the application is closing.`);
  }
}

/**
 * Tells whether `error` is a lock error, also one of another copy of this package.
 *
 * @param code Only errors with this code. @example if (isLockError(error, 'LOCK_TIMEOUT')) console.log('busy');
 */
export function isLockError(error: unknown, code?: LockErrorCode): error is LockError {
  if (!isBranded(error)) return false;
  return code === undefined || (error as LockError).code === code;
}
