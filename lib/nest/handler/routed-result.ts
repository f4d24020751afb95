import type { ExecutionContext } from '@nestjs/common';
import type { Lock } from '../../engine/api/lock.js';
import {
  bindResult,
  type HeldResult,
  holdResult,
  isStreaming,
  type Released,
} from '../result/held-result.js';
import type { HandlerFacts } from './handler-facts.js';
import { responseEnd, responseOf } from './http-response.js';

/**
 * Takes hold of what a handler returned and its transport goes on with: over HTTP until the
 * response has ended, of a GraphQL subscription until its iteration has. Observables are not
 * among them: whoever subscribes knows their end.
 */
export function holdRouted(
  context: ExecutionContext,
  { answersByItself }: HandlerFacts,
  value: unknown,
  lock: Lock,
  released: Released,
): HeldResult | undefined {
  if (isSubscription(context)) return holdResult(value, lock, released);
  const goesOn = goesOnInResponse(context, value);
  if (!goesOn && !(answersByItself && context.getType() === 'http')) return undefined;
  return { value: bindResult(value), ended: responseEnd(responseOf(context)) };
}

/** Whether Nest sends this value as a stream, after the handler's Observable has completed. */
export function goesOnInResponse(context: ExecutionContext, value: unknown): boolean {
  return context.getType() === 'http' && isStreaming(value);
}

function isSubscription(context: ExecutionContext): boolean {
  if (context.getType<string>() !== 'graphql') return false;
  const info: { operation?: { operation?: string } } | undefined = context.getArgByIndex(3);
  return info?.operation?.operation === 'subscription';
}
