import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { raiseLimit } from './listener-limit.js';

/** Resolves when the response has been sent, or its client has left. */
export function responseEnd(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const socket = queuedOn(response);
    if (response.writableFinished || isClosed(response) || socket?.destroyed) return resolve();
    const end = (): void => {
      for (const each of [response, socket]) each?.off('finish', end).off('close', end);
      raiseLimit(socket, -1);
      resolve();
    };
    raiseLimit(socket, 1);
    socket?.once('close', end);
    response.once('finish', end).once('close', end);
  });
}

/** Whether the client left before its answer was written. HTTP/2 calls a cancelled stream finished. */
export function clientLeft(response: ServerResponse): boolean {
  const isGone = isClosed(response) || queuedOn(response)?.destroyed === true;
  return isGone && !response.writableEnded;
}

/**
 * The connection, while the answers to requests before this one go over it: Node does not tell a response
 * that waits for its turn when the client leaves.
 */
export function queuedOn(response: ServerResponse): Socket | undefined {
  // A field of its own; HTTP/2 has another one, and no queue. What stands in for a request may have any socket.
  const socket = response.socket === null ? response.req?.socket : undefined;
  return typeof socket?.once === 'function' ? socket : undefined;
}

/** A response over HTTP/2 has no `closed` of its own. */
type Closable = Partial<
  Pick<ServerResponse, 'closed' | 'destroyed'> & Pick<Http2ServerResponse, 'stream'>
>;

function isClosed(response: Closable): boolean {
  // What has closed is destroyed as well. This field is the response's own: what it inherits is slow
  // to look up in Express, which changes the prototype of each response.
  if (response.destroyed === false) return false;
  if (response.closed !== undefined) return response.closed;
  const { stream } = response;
  return stream !== undefined && (stream.destroyed || stream.closed);
}
