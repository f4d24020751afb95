import type { ExecutionContext } from '@nestjs/common';
import { isObservable, map, type Observable } from 'rxjs';
import type { Lock } from '../../engine/api/lock.js';
import {
  bindResult,
  type HeldResult,
  holdObservable,
  holdResult,
  isStreaming,
  type Released,
} from '../result/held-result.js';
import type { HandlerFacts } from './handler-facts.js';

/** Where the result of a handler goes. */
interface Destination {
  readonly context: ExecutionContext;
  readonly transport: string;
  readonly facts: HandlerFacts;
  /** When the response has ended. */
  readonly answered: Promise<void>;
}

/** They send the values of promises and Observables, and go on with nothing else. */
const SENDS_VALUES: ReadonlySet<string> = new Set(['rpc', 'ws']);

/**
 * Takes hold of what a handler returned or emitted and its transport goes on with: over HTTP until
 * the response has ended, of a GraphQL subscription until its iteration has, and until whoever made a
 * context of its own has read it. Observables are not among them: whoever subscribes knows their end.
 */
export function holdRouted(
  destination: Destination,
  value: unknown,
  lock: Lock,
  released: Released,
): HeldResult | undefined {
  const { context, transport, facts } = destination;
  if (transport === 'http') {
    if (!facts.answersByItself && !isStreaming(value)) return undefined;
    return { value: bindResult(value, lock), ended: destination.answered };
  }
  if (isObservable(value) || SENDS_VALUES.has(transport)) return undefined;
  if (transport === 'graphql' && !isSubscription(context)) return undefined;
  return holdResult(value, lock, released);
}

/** Who waits for an Observable that a method returned, and for what it emits. */
interface Emission {
  readonly lock: Lock;
  readonly released: Released;
  /** Takes hold of a value that goes on, and of the Observable itself where the response does. */
  readonly hold: (value: unknown) => HeldResult | undefined;
  /** Its last value goes with its end. */
  readonly lastWithEnd: boolean;
  /** When nobody can subscribe any more: Nest never does when the client has left meanwhile. */
  readonly dropped: Promise<void>;
}

/**
 * Takes hold of an Observable until it has ended, and what it emitted has. Its subscriber goes on
 * with such a value when it is told of the end, so that this can't wait for the release.
 */
export function holdEmission(source: Observable<unknown>, emission: Emission): HeldResult {
  const { lock, released, hold, lastWithEnd, dropped } = emission;
  let rest: Promise<unknown> | undefined = hold(source)?.ended;
  const keepEach = map((value: unknown) => {
    const held = hold(value);
    if (held === undefined) return value;
    rest = Promise.all([rest, held.ended]);
    return held.value;
  });
  const releasedUnlessRest = () => (rest === undefined ? released() : Promise.resolve());
  const { value, ended } = holdObservable(
    source.pipe(keepEach),
    lock,
    releasedUnlessRest,
    lastWithEnd,
  );
  return { value, ended: Promise.race([ended, dropped]).then(() => rest) as Promise<void> };
}

/** What GraphQL tells of the field that it resolves. */
interface FieldInfo {
  readonly operation?: { readonly operation?: string };
  readonly path?: { readonly prev?: object | undefined };
}

/** Whether a call of GraphQL is for a field of the type `Subscription`, which no other field is around. */
export function isSubscription(context: ExecutionContext): boolean {
  const info: FieldInfo | undefined = context.getArgByIndex(3);
  return info?.operation?.operation === 'subscription' && info.path?.prev === undefined;
}
