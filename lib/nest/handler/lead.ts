import type { CallHandler, ExecutionContext } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { callHere, runInCall } from '../../engine/reentry/async-place.js';
import type { LockedPlan } from '../locked/plan.js';
import { makeLastStep } from './chain.js';
import type { RoutedCall } from './routed-call.js';

/** By the context that all interceptors of one call share, and no other call has. */
const calls = new WeakMap<ExecutionContext, RoutedCall>();

/** The routed call that is running here; `undefined` when none leads to this plan's method. */
export function routeTo(plan: LockedPlan, target: object | undefined): RoutedCall | undefined {
  const route = callHere() as RoutedCall | undefined;
  if (route === undefined || route.plan !== plan) return undefined;
  return target === undefined || target.constructor === route.context.getClass()
    ? route
    : undefined;
}

/** Runs the body of a method: what it calls was not routed, not even the same method. */
export function outsideRoutes<T>(body: () => T): T {
  return callHere() === undefined ? body() : runInCall(undefined, body);
}

/**
 * Goes on with the chain of a call. When interceptors follow, each of them chooses the async context
 * of what comes after it: then {@link lastStep} marks the call, which it knows by its context.
 */
export function lead(route: RoutedCall, next: CallHandler): Observable<unknown> {
  if (route.facts.leads === 'itself') return mark(route, next);
  calls.set(route.context, route);
  return next.handle();
}

/**
 * The last interceptor of a handler. Nest binds what follows, pipes and the method, to the context
 * in which it calls `next.handle()`: nobody else comes between the mark and the method.
 */
export const lastStep = makeLastStep((context, next) => {
  const route = calls.get(context);
  return route === undefined ? mark(undefined, next) : route.inside(() => mark(route, next));
});

/** Tells the method that this call of it was routed. */
function mark(route: RoutedCall | undefined, next: CallHandler): Observable<unknown> {
  return runInCall(route, () => next.handle());
}
