import type { ArgumentsHost } from '@nestjs/common';
import type { LockError } from '../../engine/api/errors.js';
import { transportOf } from '../transport/transport.js';
import { factsOf } from './facts.js';
import { toHttpException } from './http-exception.js';
import { peers } from './peers.js';
import { publicViewOf } from './public.js';
import { rpcPayloadOf } from './rpc-payload.js';
import { standIn } from './stand-in.js';

/** Whether the module that an error comes from answers none over HTTP. */
export function isLeftAlone(transport: string, error: LockError): boolean {
  return transport === 'http' && factsOf(error).busyStatus === false;
}

/** The error that a handler throws for a lock error, with the lock error as `cause`. */
export async function errorForHandler(host: ArgumentsHost, error: LockError): Promise<Error> {
  const transport = transportOf(host);
  switch (transport) {
    case 'http':
      return isLeftAlone(transport, error) ? error : toHttpException(error);
    case 'graphql':
      return graphqlErrorOf(error);
    case 'rpc': {
      const exports = await peers.rpc();
      return exports ? rpcExceptionOf(exports, error, host) : error;
    }
    case 'ws': {
      const exports = await peers.ws();
      return exports ? wsExceptionOf(exports, error) : error;
    }
    default:
      return error;
  }
}

type ExceptionClass = new (payload: object) => Error;

/** @param exports Of `@nestjs/microservices`. */
export function rpcExceptionOf(
  { RpcException }: { RpcException: ExceptionClass },
  error: LockError,
  host: ArgumentsHost,
): Error {
  if (error instanceof RpcException) return error;
  return standIn(new RpcException(rpcPayloadOf(error, host)), error);
}

/** @param exports Of `@nestjs/websockets`. */
export function wsExceptionOf(
  { WsException }: { WsException: ExceptionClass },
  error: LockError,
): Error {
  if (error instanceof WsException) return error;
  return standIn(new WsException({ status: 'error', ...publicViewOf(error) }), error);
}

/** GraphQL copies `extensions` of whatever error a resolver throws into its answer. */
export function graphqlErrorOf(error: LockError): Error {
  if ('extensions' in error) return error;
  const { message, code, key } = publicViewOf(error);
  return standIn(Object.assign(new Error(message), { extensions: { code, key } }), error);
}

/** For a client of server-sent events, whose status has been sent: one event. */
export function errorEventOf(error: LockError): { type: string; data: string } {
  return { type: 'error', data: publicViewOf(error).message };
}
