import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import type { LockError, LockErrorCode } from '../../engine/api/errors.js';
import { factsOf } from './facts.js';
import { publicViewOf } from './public.js';
import { standIn } from './stand-in.js';

const STATUS: Record<LockErrorCode, number> = {
  LOCK_TIMEOUT: 423,
  LOCK_QUEUE_FULL: 503,
  LOCK_UNAVAILABLE: 503,
  LOCK_LOST: 500,
  LOCK_KEY: 500,
  LOCK_CONFIG: 500,
  LOCK_SHUTDOWN: 503,
};

const RETRY_LATER: ReadonlySet<LockErrorCode> = new Set([
  'LOCK_TIMEOUT',
  'LOCK_QUEUE_FULL',
  'LOCK_UNAVAILABLE',
]);
/** A lease is renewed while its work goes on, and the lock handed over when that has ended. */
const MAX_RETRY_AFTER_S = 5;

/**
 * Maps a lock error for HTTP, for filters of your own: the status and the public body
 * `{ statusCode, error, message, code, key }`, with the error as `cause`. `instanceof LockError`
 * holds for the result too.
 *
 * @example
 * if (isLockError(error)) throw toHttpException(error);
 */
export function toHttpException(error: LockError): HttpException & LockError {
  if (error instanceof HttpException) return error;
  const status = statusOf(error);
  const { message, code, key } = publicViewOf(error);
  const body = { statusCode: status, error: STATUS_CODES[status] ?? 'Error', message, code, key };
  return standIn(new HttpException(body, status), error);
}

/** What the header `Retry-After` says: whole seconds of the lease that is in the way. */
export function retryAfterOf(error: LockError): string | undefined {
  if (!RETRY_LATER.has(error.code)) return undefined;
  const { leaseLeftMs = 0 } = error as { leaseLeftMs?: number };
  return String(Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(leaseLeftMs / 1000))));
}

function statusOf(error: LockError): number {
  const { busyStatus, requestFault } = factsOf(error);
  if (requestFault !== undefined) return 400;
  if (error.code === 'LOCK_TIMEOUT' && typeof busyStatus === 'number') return busyStatus;
  return STATUS[error.code];
}
