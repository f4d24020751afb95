import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';

/** Where Nest keeps what the parameters of a handler are, by class and method. */
const ROUTE_ARGUMENTS = '__routeArguments__';
const PASSTHROUGH = '__responsePassthrough__';
/** Keys of {@link ROUTE_ARGUMENTS} for `@Res()` and `@Next()`: type, `:`, position. */
const RESPONSE_OR_NEXT = /^[12]:/;
const SERVER_SENT_EVENTS = '__sse__';

/** Node's own response, which Fastify wraps and Express extends. */
export function responseOf(context: ExecutionContext): ServerResponse {
  const response: ServerResponse & { raw?: ServerResponse } = context.switchToHttp().getResponse();
  return response.raw ?? response;
}

/** Whether an HTTP handler answers by itself, by `@Res()` or `@Next()`, so that Nest does not. */
export function answersByItself(context: ExecutionContext, method: string): boolean {
  if (context.getType() !== 'http') return false;
  const target = context.getClass();
  if (Reflect.getMetadata(PASSTHROUGH, target, method) === true) return false;
  const parameters = (Reflect.getMetadata(ROUTE_ARGUMENTS, target, method) ?? {}) as object;
  return Object.keys(parameters).some((key) => RESPONSE_OR_NEXT.test(key));
}

/** Whether an HTTP handler sends server-sent events. */
export function sendsEvents(context: ExecutionContext): boolean {
  if (context.getType() !== 'http') return false;
  return Reflect.getMetadata(SERVER_SENT_EVENTS, context.getHandler()) === true;
}

/** Resolves when the response has been sent, or its client has left. */
export function responseEnd(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.writableFinished || response.closed) resolve();
    else response.once('finish', resolve).once('close', resolve);
  });
}

/**
 * Calls `leave` when the client leaves before its answer is sent. Watches the response: the
 * *request* of a POST closes as soon as its body has been read.
 */
export function onClientGone(response: ServerResponse, leave: () => void): void {
  const check = (): void => {
    if (!response.writableFinished) leave();
  };
  if (response.closed) check();
  else response.once('close', check);
}
