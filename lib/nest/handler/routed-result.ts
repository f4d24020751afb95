import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import { isObservable } from 'rxjs';
import type { Lock } from '../../engine/api/lock.js';
import {
  bindResult,
  type HeldResult,
  holdResult,
  isStreaming,
  type Released,
} from '../result/held-result.js';
import type { HandlerFacts } from './handler-facts.js';
import { responseEnd } from './http-response.js';

/** Where the result of a handler goes. */
interface Destination {
  readonly context: ExecutionContext;
  readonly transport: string;
  readonly facts: HandlerFacts;
  readonly response: ServerResponse | undefined;
}

/** They send the values of promises and Observables, and go on with nothing else. */
const SENDS_VALUES: ReadonlySet<string> = new Set(['rpc', 'ws']);

/**
 * Takes hold of what a handler returned and its transport goes on with: over HTTP until the
 * response has ended, of a GraphQL subscription until its iteration has, and until whoever made a
 * context of its own has read it. Observables are not among them: whoever subscribes knows their end.
 */
export function holdRouted(
  { context, transport, facts, response }: Destination,
  value: unknown,
  lock: Lock,
  released: Released,
): HeldResult | undefined {
  if (transport === 'graphql') {
    return isSubscription(context) ? holdResult(value, lock, released) : undefined;
  }
  if (SENDS_VALUES.has(transport)) return undefined;
  if (transport !== 'http' || response === undefined)
    return isObservable(value) ? undefined : holdResult(value, lock, released);
  if (!facts.answersByItself && !isStreaming(value)) return undefined;
  return { value: bindResult(value), ended: responseEnd(response) };
}

/** Whether a call of GraphQL is for a field of the type `Subscription`. */
export function isSubscription(context: ExecutionContext): boolean {
  const info: { operation?: { operation?: string } } | undefined = context.getArgByIndex(3);
  return info?.operation?.operation === 'subscription';
}
