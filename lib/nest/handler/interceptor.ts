import { AsyncResource } from 'node:async_hooks';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { catchError, from, mergeMap, Observable, of, type Subscriber, throwError } from 'rxjs';
import { isLockError } from '../../engine/api/errors.js';
import { errorEventOf, errorForHandler, isLeftAlone } from '../errors/mapper.js';
import { logFault } from '../errors/public.js';
import { callOf } from '../key/locked.call.js';
import { SKIPPED } from '../locked/entry.js';
import type { LockedPlan } from '../locked/plan.js';
import { LockService } from '../service/lock.service.js';
import { InjectLockService } from '../service/tokens.js';
import { type HandlerFacts, KnownHandlers } from './handler-facts.js';
import { HandlerRun } from './handler-run.js';
import { RoutedCall } from './routed-call.js';

/** Takes the lock of a handler that a call is routed to, and holds it until the result has ended. */
abstract class LockedInterceptor implements NestInterceptor {
  private readonly logger = new Logger('RedisLock');
  private readonly handlers = new KnownHandlers();

  constructor(
    private readonly service: LockService,
    private readonly adapterHost: HttpAdapterHost,
    private readonly modules: ModulesContainer,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const facts = this.handlers.of(context);
    const { plan } = facts;
    if (plan === undefined) return next.handle();
    // What interceptors outside keep in an AsyncLocalStorage is there now, not at the subscription.
    const scope = new AsyncResource('LockedInterceptor');
    return new Observable<unknown>((subscriber) =>
      scope.runInAsyncScope(() => this.#start(plan, facts, context, next, subscriber)),
    ).pipe(catchError((error: unknown) => this.#translate(error, facts, context)));
  }

  #start(
    plan: LockedPlan,
    facts: HandlerFacts,
    context: ExecutionContext,
    next: CallHandler,
    subscriber: Subscriber<unknown>,
  ): void {
    const call = callOf(context, plan.method, this.modules);
    const answerEmpty = (): void => this.#answerEmpty(context, facts);
    const entry = { plan, service: this.service, call };
    const route = new RoutedCall(context, facts, entry, answerEmpty);
    const run = new HandlerRun(route, next, subscriber);
    if (plan.key.positional) return run.passOn();
    run.underLock().then(
      (result) => {
        if (result === SKIPPED) {
          answerEmpty();
          if (!route.streams) subscriber.next(undefined);
        }
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
    return undefined;
  }

  #answerEmpty(context: ExecutionContext, { answersByItself }: HandlerFacts): void {
    if (!answersByItself || context.getType() !== 'http') return;
    this.adapterHost.httpAdapter.reply(context.switchToHttp().getResponse(), undefined);
  }

  /** Any other error passes through untouched. */
  #translate(
    error: unknown,
    { sendsEvents }: HandlerFacts,
    context: ExecutionContext,
  ): Observable<unknown> {
    if (!isLockError(error)) return throwError(() => error);
    if (!isLeftAlone(context, error)) logFault(error, this.logger);
    if (sendsEvents && context.getType() === 'http') return of(errorEventOf(error));
    const mapped = errorForHandler(context, error);
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
