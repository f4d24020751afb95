import * as terminus from '@nestjs/terminus';
import { NO_LOCK_SERVICE } from '../nest/service/lock-services.js';
import type { HealthState, ServiceHealth } from './service-health.js';

type Result = terminus.HealthIndicatorResult;

/** What versions of Terminus have beside each other. */
interface AnyTerminus {
  /** Since 11: a result that is down is returned; before, it is thrown. */
  readonly HealthIndicatorService?: new () => { check(key: string): object };
  readonly HealthCheckError?: new (message: string, causes: unknown) => Error;
}

/** The result of a health check of all services, in the form that the installed Terminus takes. */
export function healthResult(name: string, services: readonly ServiceHealth[]): Result {
  const isNone = services.length === 0;
  const states = new Set(isNone ? ['down'] : services.map((service) => service.state));
  const state: HealthState = (['down', 'degraded'] as const).find((bad) => states.has(bad)) ?? 'up';
  const { HealthIndicatorService, HealthCheckError } = terminus as AnyTerminus;
  const knowsDegraded =
    HealthIndicatorService !== undefined && 'degraded' in new HealthIndicatorService().check(name);
  const status = state === 'degraded' && !knowsDegraded ? 'up' : state;
  const facts = Object.fromEntries(services.map((each) => [each.name, shown(each)]));
  const reason = isNone && { reason: NO_LOCK_SERVICE };
  const result = { [name]: { status, state, ...reason, services: facts } } as Result;
  if (status === 'down' && HealthIndicatorService === undefined && HealthCheckError) {
    throw new HealthCheckError(`${name} is down`, result);
  }
  return result;
}

function shown({ state, facts }: ServiceHealth): object {
  return { state, ...facts };
}
