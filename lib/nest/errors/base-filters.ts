import { type ArgumentsHost, Logger } from '@nestjs/common';
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core';
import { isLockError, type LockError } from '../../engine/api/errors.js';
import { retryAfterOf, toHttpException } from './http-exception.js';
import { isLeftAlone, rpcExceptionOf, wsExceptionOf } from './mapper.js';
import { peers } from './peers.js';
import { logFault } from './public.js';

/** A filter class of Nest's that answers whatever no other filter does. */
interface BaseFilter {
  readonly prototype: {
    catch: (this: object, exception: unknown, host: ArgumentsHost) => unknown;
  };
}
type Translation = (error: LockError, host: ArgumentsHost, filter: object) => unknown;

/** The same in every copy of the package: the first one teaches for all. */
const TAUGHT = Symbol.for('nestjs-redis-lock.taught');

/**
 * Teaches Nest's own filters to answer lock errors. All exceptions come to them in the end: those
 * that no filter catches, of gateways and hybrid applications too, where global filters are not
 * asked, and those that a filter of the application, wherever it stands, hands on. Nothing else is
 * changed, and what is taught depends on no application.
 */
export async function teachBaseFilters(): Promise<void> {
  teach(BaseExceptionFilter, answerHttp);
  const [rpc, ws] = await Promise.all([peers.rpc(), peers.ws()]);
  if (rpc) teach(rpc.BaseRpcExceptionFilter, (error, host) => rpcExceptionOf(rpc, error, host));
  if (ws) teach(ws.BaseWsExceptionFilter, (error) => wsExceptionOf(ws, error));
}

function teach({ prototype }: BaseFilter, translate: Translation): void {
  if (TAUGHT in prototype) return;
  const logger = new Logger('RedisLock');
  const { catch: answer } = prototype;
  prototype.catch = function (exception, host) {
    if (!isLockError(exception) || isLeftAlone(host, exception))
      return answer.call(this, exception, host);
    logFault(exception, logger);
    return answer.call(this, translate(exception, host, this), host);
  };
  Object.defineProperty(prototype, TAUGHT, { value: true });
}

function answerHttp(error: LockError, host: ArgumentsHost, filter: object): unknown {
  if (host.getType() !== 'http') return error;
  const adapter = adapterOf(filter);
  const response: unknown = host.getArgByIndex(1);
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined && adapter && !adapter.isHeadersSent(response)) {
    adapter.setHeader(response, 'Retry-After', retryAfter);
  }
  return toHttpException(error);
}

/** As the filter itself finds it, by its constructor or by injection. */
function adapterOf(filter: object): HttpAdapterHost['httpAdapter'] | undefined {
  const { applicationRef, httpAdapterHost } = filter as {
    applicationRef?: HttpAdapterHost['httpAdapter'];
    httpAdapterHost?: HttpAdapterHost;
  };
  return applicationRef ?? httpAdapterHost?.httpAdapter;
}
