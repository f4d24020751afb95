import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ArgumentsHost } from '@nestjs/common';

/**
 * What led a call to a handler: `http`, `rpc`, `ws`, `graphql`, or what another creator of contexts
 * calls itself. `http` is the default name in Nest: without a request and a response it is `unknown`.
 *
 * @param response As {@link responseOf} tells it.
 */
export function transportOf(host: ArgumentsHost, response = responseOf(host)): string {
  const type = host.getType<string>();
  return type === 'http' && response === undefined ? 'unknown' : type;
}

/** Node's own response, which Fastify wraps and Express extends; `undefined` where there is none. */
export function responseOf(host: ArgumentsHost): ServerResponse | undefined {
  switch (host.getType<string>()) {
    case 'http':
      return isObject(host.getArgByIndex(0)) ? nodeResponse(host.getArgByIndex(1)) : undefined;
    case 'graphql':
      return responseOfQuery(host.getArgByIndex(2));
    default:
      return undefined;
  }
}

/** Drivers put the request, and Fastify's the reply, into the context that resolvers share. */
function responseOfQuery(shared: unknown): ServerResponse | undefined {
  if (!isObject(shared)) return undefined;
  const { req, request, res, reply } = shared as Record<string, unknown>;
  const asked = (req ?? request) as Partial<{ res: unknown; raw: IncomingMessage }> | undefined;
  return nodeResponse(res) ?? nodeResponse(reply) ?? nodeResponse(asked?.res);
}

/** Prototypes that make an object a response: what it inherits is slow to look up in Express, which changes the prototype of each. */
const RESPONSES = new WeakSet();

function nodeResponse(response: unknown): ServerResponse | undefined {
  if (!isObject(response)) return undefined;
  if (isResponse(response)) return response;
  const { raw } = response as { raw?: unknown };
  return isObject(raw) && isResponse(raw) ? raw : undefined;
}

function isResponse(value: object): value is ServerResponse {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== null && RESPONSES.has(prototype)) return true;
  if (!looksLikeResponse(value)) return false;
  if (prototype !== null && looksLikeResponse(prototype)) RESPONSES.add(prototype);
  return true;
}

/** Has headers: any stream or socket has the rest. */
function looksLikeResponse(value: object): boolean {
  return 'once' in value && 'writableEnded' in value && 'setHeader' in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
