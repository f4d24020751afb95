import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ExecutionContext } from '@nestjs/common';
import type { GrpcCall } from '../transport/grpc-call.js';
import { clientLeft, queuedOn } from '../transport/http-response.js';
import { tcpSocketOf } from '../transport/tcp-socket.js';
import { ClientDeparture, type Leaving } from './client-departure.js';
import type { HandlerFacts } from './handler-facts.js';

/** The *response*: the request of a POST closes as soon as its body has been read. */
export const OF_RESPONSE: Leaving<ServerResponse> = {
  event: 'close',
  hasLeft: clientLeft,
  isAnswered: (response) => response.writableEnded,
};

const OF_GRPC_CALL: Leaving<GrpcCall> = {
  event: 'cancelled',
  hasLeft: ({ cancelled }) => cancelled,
  isAnswered: () => false,
};

const OF_SOCKET: Leaving<Socket> = {
  event: 'close',
  hasLeft: ({ destroyed }) => destroyed,
  isAnswered: () => false,
};

/** A call that may wait while its client leaves. */
interface WaitingCall {
  readonly context: ExecutionContext;
  readonly transport: string;
  readonly facts: HandlerFacts;
  readonly response: ServerResponse | undefined;
}

/** Watches the client of a call. One that sends an event may leave at once: it waits for no answer. */
export function departureOf(
  { context, transport, facts, response }: WaitingCall,
  call: GrpcCall | undefined,
): ClientDeparture {
  if (transport !== 'rpc') return departureOfHttp(response);
  if (call !== undefined) return new ClientDeparture(call, OF_GRPC_CALL);
  return new ClientDeparture(facts.takesEvents ? undefined : tcpSocketOf(context), OF_SOCKET);
}

/** A response that waits for its turn is not told: there its connection is. */
function departureOfHttp(response: ServerResponse | undefined): ClientDeparture {
  const socket = response && queuedOn(response);
  if (response === undefined || socket === undefined)
    return new ClientDeparture(response, OF_RESPONSE);
  return new ClientDeparture(socket, {
    event: OF_RESPONSE.event,
    hasLeft: () => OF_RESPONSE.hasLeft(response),
    isAnswered: () => OF_RESPONSE.isAnswered(response),
  });
}
