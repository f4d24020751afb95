import { STATUS_CODES } from 'node:http';
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
} from '@nestjs/common';
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { LockError, type LockErrorCode } from '../../engine/api/errors.js';
import { factsOf } from './facts.js';
import { graphqlErrorOf } from './mapper.js';
import { logFault, publicViewOf } from './public.js';

const STATUS: Record<Exclude<LockErrorCode, 'LOCK_TIMEOUT'>, number> = {
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
const MAX_RETRY_AFTER_S = 60;

/** Answers lock errors that no filter of the application catches. */
@Catch(LockError)
export class LockErrorFilter implements ExceptionFilter<LockError> {
  private readonly logger = new Logger('RedisLock');

  /** @param busyStatus Status of a busy lock where the error does not tell its module's own. */
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly busyStatus: number,
  ) {}

  catch(error: LockError, host: ArgumentsHost): unknown {
    const type: string = host.getType();
    if (type === 'rpc') return throwError(() => ({ status: 'error', ...publicViewOf(error) }));
    if (type === 'graphql') return graphqlErrorOf(error);
    if (type !== 'http') throw error;
    this.#answer(error, host);
    return undefined;
  }

  #answer(error: LockError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const nest = new BaseExceptionFilter(httpAdapter);
    const status = this.#statusOf(error);
    if (status === false) return nest.catch(error, host);
    logFault(error, this.logger);
    const response: unknown = host.getArgByIndex(1);
    if (RETRY_LATER.has(error.code) && !httpAdapter.isHeadersSent(response)) {
      httpAdapter.setHeader(response, 'Retry-After', String(retryAfterOf(error)));
    }
    return nest.catch(httpExceptionOf(error, status), host);
  }

  #statusOf(error: LockError): number | false {
    const { busyStatus = this.busyStatus, badRequest } = factsOf(error);
    if (busyStatus === false) return false;
    if (badRequest) return 400;
    return error.code === 'LOCK_TIMEOUT' ? busyStatus : STATUS[error.code];
  }
}

function httpExceptionOf(error: LockError, status: number): HttpException {
  const { message, code, key } = publicViewOf(error);
  const body = { statusCode: status, error: STATUS_CODES[status] ?? 'Error', message, code, key };
  return new HttpException(body, status, { cause: error });
}

/** Whole seconds until the lease that is in the way has ended, rounded up. */
function retryAfterOf(error: LockError): number {
  const { leaseLeftMs = 0 } = error as { leaseLeftMs?: number };
  return Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(leaseLeftMs / 1000)));
}
