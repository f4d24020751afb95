import type { ExecutionContext } from '@nestjs/common';
import { type LockedPlan, lockedPlanOf } from '../locked/plan.js';
import { type Leads, leadsOf } from './chain.js';

/** Where Nest keeps what the parameters of a handler are, by class and method. */
const ROUTE_ARGUMENTS = '__routeArguments__';
const PASSTHROUGH = '__responsePassthrough__';
/** Keys of {@link ROUTE_ARGUMENTS} for `@Res()` and `@Next()`: type, `:`, position. */
const RESPONSE_OR_NEXT = /^[12]:/;
const SERVER_SENT_EVENTS = '__sse__';
/** `@EventPattern` has another value here than `@MessagePattern`: PatternHandler of @nestjs/microservices. */
const PATTERN_HANDLER = 'microservices:handler_type';
const EVENT = 2;

/** What decorators say of a handler. */
export interface HandlerFacts {
  readonly plan: LockedPlan | undefined;
  /** Over HTTP it sends server-sent events. */
  readonly sendsEvents: boolean;
  /** Over HTTP it answers by itself, by `@Res()` or `@Next()`, so that Nest does not. */
  readonly answersByItself: boolean;
  /** Over RPC its callers wait for no answer. */
  readonly takesEvents: boolean;
  /** How a call reaches the method. */
  readonly leads: Leads;
}

/** {@link HandlerFacts} of the handlers that calls were routed to: looked up once for each. */
export class KnownHandlers {
  readonly #facts = new WeakMap<object, WeakMap<object, HandlerFacts>>();

  /** @param interceptor The class of interceptors that takes locks for the handler. */
  of(context: ExecutionContext, interceptor: object): HandlerFacts {
    const [target, handler] = [context.getClass(), context.getHandler()];
    let known = this.#facts.get(target);
    if (known === undefined) this.#facts.set(target, (known = new WeakMap()));
    let facts = known.get(handler);
    if (facts === undefined) known.set(handler, (facts = factsOf(target, handler, interceptor)));
    return facts;
  }
}

function factsOf(target: object, handler: object, interceptor: object): HandlerFacts {
  const plan = lockedPlanOf(handler);
  const method = plan?.method ?? '';
  const parameters = (Reflect.getMetadata(ROUTE_ARGUMENTS, target, method) ?? {}) as object;
  return {
    plan,
    leads: leadsOf(handler, interceptor),
    takesEvents: Reflect.getMetadata(PATTERN_HANDLER, handler) === EVENT,
    sendsEvents: Reflect.getMetadata(SERVER_SENT_EVENTS, handler) === true,
    answersByItself:
      Reflect.getMetadata(PASSTHROUGH, target, method) !== true &&
      Object.keys(parameters).some((key) => RESPONSE_OR_NEXT.test(key)),
  };
}
