import { type ArgumentsHost, Logger } from '@nestjs/common';
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core';
import { isLockError, type LockError } from '../../engine/api/errors.js';
import { retryAfterOf, toHttpException } from './http-exception.js';
import { graphqlErrorOf, isLeftAlone, rpcExceptionOf, wsExceptionOf } from './mapper.js';
import { peers } from './peers.js';
import { logFault } from './public.js';

type HttpAdapter = HttpAdapterHost['httpAdapter'];

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
 *
 * @param how.http Whether the one of HTTP is taught, too.
 */
export async function teachBaseFilters({ http }: { readonly http: boolean }): Promise<void> {
  const logger = new Logger('RedisLock');
  if (http) {
    teach(BaseExceptionFilter, (error, host, filter) => answerHttp(error, host, filter, logger));
  }
  const [rpc, ws] = await Promise.all([peers.rpc(), peers.ws()]);
  if (rpc) {
    teach(rpc.BaseRpcExceptionFilter, (error, host) => {
      logFault(error, logger);
      return rpcExceptionOf(rpc, error, host);
    });
  }
  if (ws) {
    teach(ws.BaseWsExceptionFilter, (error) => {
      logFault(error, logger);
      return wsExceptionOf(ws, error);
    });
  }
}

function teach({ prototype }: BaseFilter, translate: Translation): void {
  if (TAUGHT in prototype) return;
  const { catch: answer } = prototype;
  prototype.catch = function (exception, host) {
    const known = isLockError(exception) ? translate(exception, host, this) : exception;
    return answer.call(this, known, host);
  };
  Object.defineProperty(prototype, TAUGHT, { value: true });
}

function answerHttp(
  error: LockError,
  host: ArgumentsHost,
  filter: object,
  logger: Logger,
): unknown {
  const adapter = adapterOf(filter);
  if (!hasHttpResponse(host, adapter)) {
    logFault(error, logger);
    throw host.getType<string>() === 'graphql' ? graphqlErrorOf(error) : error;
  }
  if (isLeftAlone('http', error)) return error;
  logFault(error, logger);
  const response: unknown = host.getArgByIndex(1);
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined && !adapter.isHeadersSent(response)) {
    adapter.setHeader(response, 'Retry-After', retryAfter);
  }
  return toHttpException(error);
}

/**
 * Whether a filter can answer over HTTP. Contexts that other packages create are called `http` as
 * well, unless they say otherwise; what these have for arguments is no response of the adapter.
 */
export function hasHttpResponse(
  host: ArgumentsHost,
  adapter: HttpAdapter | undefined,
): adapter is HttpAdapter {
  const response: unknown = host.getArgByIndex(1);
  return (
    host.getType() === 'http' &&
    typeof response === 'object' &&
    response !== null &&
    typeof adapter?.isHeadersSent(response) === 'boolean'
  );
}

/** As the filter itself finds it, by its constructor or by injection. */
function adapterOf(filter: object): HttpAdapter | undefined {
  const { applicationRef, httpAdapterHost } = filter as {
    applicationRef?: HttpAdapter;
    httpAdapterHost?: HttpAdapterHost;
  };
  return applicationRef ?? httpAdapterHost?.httpAdapter;
}
