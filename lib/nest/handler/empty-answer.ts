import type { Writable } from 'node:stream';
import type { ExecutionContext } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { EMPTY } from 'rxjs';
import { DeferredIterator } from '../result/deferred-iterator.js';
import { type GrpcCall, grpcCallOf, isStreamedTo } from '../transport/grpc-call.js';
import type { HandlerFacts } from './handler-facts.js';
import { isSubscription } from './routed-result.js';

/** A call whose handler did not run. */
interface SkippedCall {
  readonly context: ExecutionContext;
  readonly transport: string;
  readonly facts: HandlerFacts;
}

/** What a skipped handler returns. Answers in the place of one that answers by itself. */
export function emptyAnswer(
  { context, transport, facts }: SkippedCall,
  { httpAdapter }: HttpAdapterHost,
): unknown {
  if (transport === 'graphql' && isSubscription(context))
    return new DeferredIterator(() => Promise.resolve(undefined));
  const call = transport === 'rpc' ? grpcCallOf(context) : undefined;
  if (call !== undefined) return emptyGrpcAnswer(call, context);
  if (transport === 'http' && facts.answersByItself)
    httpAdapter.reply(context.switchToHttp().getResponse(), undefined);
  return undefined;
}

/** A message without fields: gRPC has no answer that is none. */
function emptyGrpcAnswer(call: GrpcCall, context: ExecutionContext): unknown {
  const [first, answer] = context.getArgs<[unknown, unknown]>();
  if (first !== call) return isStreamedTo(call) ? EMPTY : {};
  if (typeof answer === 'function') answer(null, {});
  else (first as Writable).end();
  return undefined;
}
