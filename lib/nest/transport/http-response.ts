import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';

/** Resolves when the response has been sent, or its client has left. */
export function responseEnd(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.writableFinished || isClosed(response)) resolve();
    else response.once('finish', resolve).once('close', resolve);
  });
}

/** Whether the client left before its answer was written. HTTP/2 calls a cancelled stream finished. */
export function clientLeft(response: ServerResponse): boolean {
  return isClosed(response) && !response.writableEnded;
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
