import { AsyncResource } from 'node:async_hooks';
import { Injectable, Logger } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor, Type } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { Observable, catchError, from, mergeMap, of, throwError } from 'rxjs';
import type { Subscriber } from 'rxjs';
import { isLockError } from '../engine/errors.js';
import { HandlerRun } from './handler-run.js';
import { answersByItself, sendsEvents } from './http-response.js';
import { logFault } from './lock-error.public.js';
import { errorEventOf, errorForHandler } from './lock-error.mapper.js';
import { LockService } from './lock.service.js';
import { routedCall } from './locked.call.js';
import { SKIPPED } from './locked.entry.js';
import { lockedPlanOf } from './locked.plan.js';
import type { LockedPlan } from './locked.plan.js';
import { LockedRoute } from './locked.route.js';
import { InjectLockService } from './redis-lock.tokens.js';

/** Takes the lock of a handler that a call is routed to, and holds it until the result has ended. */
abstract class LockedInterceptor implements NestInterceptor {
  private readonly logger = new Logger('RedisLock');

  constructor(
    private readonly service: LockService,
    private readonly adapterHost: HttpAdapterHost,
    private readonly modules: ModulesContainer,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const plan = lockedPlanOf(context.getHandler());
    if (plan === undefined) return next.handle();
    // What interceptors outside keep in an AsyncLocalStorage is there now, not at the subscription.
    const scope = new AsyncResource('LockedInterceptor');
    return new Observable<unknown>((subscriber) =>
      scope.runInAsyncScope(() => this.#start(plan, context, next, subscriber)),
    ).pipe(catchError((error: unknown) => this.#translate(error, context)));
  }

  #start(
    plan: LockedPlan,
    context: ExecutionContext,
    next: CallHandler,
    subscriber: Subscriber<unknown>,
  ): void {
    const call = routedCall(context, plan.method, this.modules);
    const answerEmpty = (): void => this.#answerEmpty(context, plan);
    const route = new LockedRoute(context, { plan, service: this.service, call }, answerEmpty);
    const run = new HandlerRun(route, next, subscriber);
    if (plan.key.positional) return run.passOn();
    run.underLock().then(
      (result) => {
        if (result === SKIPPED) {
          answerEmpty();
          if (!sendsEvents(context)) subscriber.next(undefined);
        }
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
    return undefined;
  }

  #answerEmpty(context: ExecutionContext, plan: LockedPlan): void {
    if (!answersByItself(context, plan.method)) return;
    this.adapterHost.httpAdapter.reply(context.switchToHttp().getResponse(), undefined);
  }

  /** Any other error passes through untouched. */
  #translate(error: unknown, context: ExecutionContext): Observable<unknown> {
    if (!isLockError(error)) return throwError(() => error);
    const events = sendsEvents(context);
    if (events || context.getType() !== 'http') logFault(error, this.logger);
    if (events) return of(errorEventOf(error));
    const mapped = errorForHandler(context.getType(), error);
    return from(mapped).pipe(mergeMap((each) => throwError(() => each)));
  }
}

const interceptors = new Map<string | undefined, Type<NestInterceptor>>();

/**
 * The interceptor class of a service, which Nest constructs in each module that uses it. One for
 * each name: Nest tells interceptors of a module apart by class.
 */
export function lockedInterceptorOf(service: string | undefined): Type<NestInterceptor> {
  let interceptor = interceptors.get(service);
  if (interceptor === undefined) {
    interceptor = makeInterceptor(service);
    interceptors.set(service, interceptor);
  }
  return interceptor;
}

function makeInterceptor(name: string | undefined): Type<NestInterceptor> {
  @Injectable()
  class NamedLockedInterceptor extends LockedInterceptor {
    constructor(
      @InjectLockService(name) service: LockService,
      adapterHost: HttpAdapterHost,
      modules: ModulesContainer,
    ) {
      super(service, adapterHost, modules);
    }
  }
  return NamedLockedInterceptor;
}
