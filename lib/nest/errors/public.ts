import type { LoggerService } from '@nestjs/common';
import type { LockError, LockErrorCode } from '../../engine/api/errors.js';
import { factsOf, noteFacts } from './facts.js';

/** A lock error as a client may see it: without keys, numbers or causes of the inside. */
export interface PublicLockError {
  /** A sentence for an end customer. */
  readonly message: string;
  readonly code: LockErrorCode;
  /** The template or static key; `''` for a call of `LockService`, whose keys hold values. */
  readonly key: string;
}

const MESSAGES: Record<LockErrorCode, string> = {
  LOCK_TIMEOUT: 'This resource is busy. Try again later.',
  LOCK_QUEUE_FULL: 'Too many others wait for this resource. Try again later.',
  LOCK_UNAVAILABLE: 'This service is unavailable for the moment. Try again later.',
  LOCK_LOST: 'This request was interrupted. Check its outcome before you try again.',
  LOCK_KEY: 'This request could not be handled.',
  LOCK_CONFIG: 'This request could not be handled.',
  LOCK_SHUTDOWN: 'This service is restarting. Try again later.',
};

/** The public side of a lock error; the error itself is for logs. */
export function publicViewOf(error: LockError): PublicLockError {
  const { key = '', requestFault } = factsOf(error);
  return { message: requestFault ?? MESSAGES[error.code], code: error.code, key };
}

/** Logs, once, what is wrong in the application itself, and no event tells. */
export function logFault(error: LockError, logger: LoggerService): void {
  const isFault = error.code === 'LOCK_CONFIG' || error.code === 'LOCK_KEY';
  const { requestFault, logged } = factsOf(error);
  if (!isFault || requestFault !== undefined || logged) return;
  noteFacts(error, { logged: true });
  logger.error(error.message, error.stack);
}
