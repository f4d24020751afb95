import type { LockError } from '../../engine/api/errors.js';
import { publicViewOf } from './public.js';

type ExceptionClass = new (payload: object) => Error;

/** Where RPC and WebSocket keep the exceptions that their clients understand. */
const EXCEPTIONS = {
  rpc: { package: '@nestjs/microservices', name: 'RpcException' },
  ws: { package: '@nestjs/websockets', name: 'WsException' },
} as const;

/**
 * The error that a handler of this kind throws for a lock error, with the lock error as `cause`;
 * for HTTP the lock error itself, which a filter answers.
 */
export async function errorForHandler(type: string, error: LockError): Promise<Error> {
  if (type === 'graphql') return graphqlErrorOf(error);
  if (type !== 'rpc' && type !== 'ws') return error;
  const Exception = await loadException(EXCEPTIONS[type]).catch(() => undefined);
  if (Exception === undefined) return error;
  return withCause(new Exception({ status: 'error', ...publicViewOf(error) }), error);
}

/** GraphQL copies `extensions` of whatever error a resolver throws into its answer. */
export function graphqlErrorOf(error: LockError): Error {
  const { message, code, key } = publicViewOf(error);
  return withCause(Object.assign(new Error(message), { extensions: { code, key } }), error);
}

/** For a client of server-sent events, whose status has been sent: one event. */
export function errorEventOf(error: LockError): { type: string; data: string } {
  return { type: 'error', data: publicViewOf(error).message };
}

/**
 * The packages are optional peers: whoever has such handlers has installed theirs. A specifier that
 * is no literal keeps the bundlers of everybody else from looking for them.
 */
async function loadException(from: { package: string; name: string }): Promise<ExceptionClass> {
  const exports = (await import(from.package)) as Record<string, ExceptionClass | undefined>;
  const Exception = exports[from.name];
  if (Exception === undefined) throw new Error(`${from.package} exports no ${from.name}.`);
  return Exception;
}

/** Not enumerable, as `new Error(message, { cause })` has it: serializers leave it alone. */
function withCause<E extends Error>(error: E, cause: LockError): E {
  return Object.defineProperty(error, 'cause', {
    value: cause,
    configurable: true,
    writable: true,
  });
}
