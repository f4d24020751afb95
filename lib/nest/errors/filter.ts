import { type ArgumentsHost, Catch, Logger } from '@nestjs/common';
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { LockError } from '../../engine/api/errors.js';
import { hasHttpResponse } from './base-filters.js';
import { graphqlErrorOf } from './mapper.js';
import { logFault } from './public.js';
import { rpcPayloadOf } from './rpc-payload.js';

/**
 * Answers lock errors that no filter of the application catches. Over HTTP it is what Nest's own
 * filter is: where that was taught nothing, it leaves them alone.
 */
@Catch(LockError)
export class LockErrorFilter extends BaseExceptionFilter<LockError> {
  private readonly faults = new Logger('RedisLock');

  /** @param httpAdapterHost Asked for its adapter when requests come: while providers are made it has none. */
  constructor(protected override readonly httpAdapterHost: HttpAdapterHost) {
    super();
  }

  override catch(error: LockError, host: ArgumentsHost): unknown {
    // oxlint-disable-next-line promise/valid-params -- a filter, no promise
    if (hasHttpResponse(host, this.httpAdapterHost.httpAdapter)) return super.catch(error, host);
    const type: string = host.getType();
    logFault(error, this.faults);
    if (type === 'rpc') return throwError(() => rpcPayloadOf(error, host));
    if (type === 'graphql') return graphqlErrorOf(error);
    throw error;
  }
}
