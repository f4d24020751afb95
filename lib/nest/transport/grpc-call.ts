import type { EventEmitter } from 'node:events';
import type { ArgumentsHost } from '@nestjs/common';

/** What is used here of a call of `@grpc/grpc-js`. */
export interface GrpcCall extends EventEmitter {
  /** Its client has cancelled it, has gone or waits no longer. */
  readonly cancelled: boolean;
  getPeer(): string;
}

/** The call of a gRPC handler; `undefined` for any other. Every kind of such a handler is given the call. */
export function grpcCallOf(host: ArgumentsHost): GrpcCall | undefined {
  return host.getArgs<unknown[]>().find(isGrpcCall);
}

/** Whether Nest writes a stream of answers: then it waits for the call to drain. The calls look alike. */
export function isStreamedTo(call: GrpcCall): boolean {
  return call.listenerCount('drain') > 0;
}

function isGrpcCall(argument: unknown): argument is GrpcCall {
  return typeof (argument as Partial<GrpcCall> | null | undefined)?.getPeer === 'function';
}
