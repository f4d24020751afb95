import { AsyncResource } from 'node:async_hooks';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { from, mergeMap, Observable, of, type Subscriber, throwError } from 'rxjs';
import { isLockError, LockConfigError, type LockError } from '../../engine/api/errors.js';
import { errorEventOf, errorForHandler, isLeftAlone } from '../errors/mapper.js';
import { logFault } from '../errors/public.js';
import type { LockedPlan } from '../locked/plan.js';
import { LockService } from '../service/lock.service.js';
import { InjectLockService } from '../service/tokens.js';
import { KnownHandlers } from './handler-facts.js';
import { HandlerRun } from './handler-run.js';
import { RoutedCall } from './routed-call.js';

/** Takes the lock of a handler that a call is routed to, and holds it until the result has ended. */
abstract class LockedInterceptor implements NestInterceptor {
  private readonly logger = new Logger('RedisLock');
  private readonly handlers = new KnownHandlers();

  constructor(
    readonly service: LockService,
    readonly adapterHost: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const facts = this.handlers.of(context, this.constructor);
    const { plan } = facts;
    if (plan === undefined) return next.handle();
    if (facts.leads === undefined) return throwError(() => unknownCall(plan));
    // What interceptors outside keep in an AsyncLocalStorage is there now, not at the subscription.
    const scope = new AsyncResource('LockedInterceptor');
    return new Observable<unknown>((subscriber) => {
      const route = new RoutedCall(plan, facts, context, this);
      const fail = (error: unknown): void => this.#fail(error, route, subscriber);
      const run = new HandlerRun(route, next, subscriber, scope, fail);
      scope.runInAsyncScope(() => (plan.key.positional ? run.passOn() : run.underLock()));
      return () => run.stop();
    });
  }

  #fail(error: unknown, route: RoutedCall, subscriber: Subscriber<unknown>): void {
    if (isLockError(error)) this.#translate(error, route).subscribe(subscriber);
    // Nobody reads the answer, and filters of RPC would log it.
    else if (route.transport === 'rpc' && error === route.departure.reason) subscriber.complete();
    else subscriber.error(error);
  }

  #translate(error: LockError, { facts, transport, context }: RoutedCall): Observable<unknown> {
    if (!isLeftAlone(transport, error)) logFault(error, this.logger);
    if (facts.sendsEvents && transport === 'http') return of(errorEventOf(error));
    const mapped = errorForHandler(context, error);
    return from(mapped).pipe(mergeMap((each) => throwError(() => each)));
  }
}

function unknownCall(plan: LockedPlan): LockConfigError {
  return new LockConfigError([
    `@Locked on ${plan.owner}: start has not seen this handler, and interceptors above @Locked may run ` +
      'it as part of another call. Write them below @Locked, or let Nest construct the class.',
  ]);
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
    constructor(@InjectLockService(name) service: LockService, adapterHost: HttpAdapterHost) {
      super(service, adapterHost);
    }
  }
  return NamedLockedInterceptor;
}
