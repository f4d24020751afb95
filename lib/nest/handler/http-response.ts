import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';

/** Node's own response, which Fastify wraps and Express extends. */
export function responseOf(context: ExecutionContext): ServerResponse {
  const response: ServerResponse & { raw?: ServerResponse } = context.switchToHttp().getResponse();
  return response.raw ?? response;
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
