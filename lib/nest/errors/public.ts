import type { LoggerService } from '@nestjs/common';
import type { LockError, LockErrorCode } from '../../engine/api/errors.js';
import { factsOf } from './facts.js';

/** A lock error as a client may see it: without keys, numbers or causes of the inside. */
export interface PublicLockError {
  readonly message: string;
  readonly code: LockErrorCode;
  /** The template or static key; `''` for a call of `LockService`, whose keys hold values. */
  readonly key: string;
}

const WHAT: Record<LockErrorCode, string> = {
  LOCK_TIMEOUT: 'is held by somebody else. Try again later.',
  LOCK_QUEUE_FULL: 'has too many waiting callers. Try again later.',
  LOCK_UNAVAILABLE: 'is unavailable. Try again later.',
  LOCK_LOST: 'was lost while it was held.',
  LOCK_KEY: 'has no valid key.',
  LOCK_CONFIG: 'is not configured correctly.',
  LOCK_SHUTDOWN: 'is not given: the application is closing.',
};

/** The public side of a lock error; the error itself is for logs. */
export function publicViewOf(error: LockError): PublicLockError {
  const { key = '', badRequest } = factsOf(error);
  const subject = key === '' ? 'The lock' : `Lock ${JSON.stringify(key)}`;
  const { part } = error as { part?: string };
  const what = badRequest ? `needs ${part}, which the request lacks.` : WHAT[error.code];
  return { message: `${subject} ${what}`, code: error.code, key };
}

/** Logs what is wrong in the application itself, and no event tells. */
export function logFault(error: LockError, logger: LoggerService): void {
  const isFault = error.code === 'LOCK_CONFIG' || error.code === 'LOCK_KEY';
  if (isFault && !factsOf(error).badRequest) logger.error(error.message, error.stack);
}
