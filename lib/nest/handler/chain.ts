import type { NestInterceptor } from '@nestjs/common';

/** Metadata of a method that holds its interceptors, outermost first. */
const INTERCEPTORS = '__interceptors__';

const LAST_STEP = Symbol('last step');

/** The last interceptor of a chain, which only this package puts there. */
export interface LastStep extends NestInterceptor {
  readonly [LAST_STEP]: true;
}

/** Makes a last step, which is told from all other interceptors. */
export function makeLastStep(intercept: NestInterceptor['intercept']): LastStep {
  return { [LAST_STEP]: true, intercept };
}

/**
 * How a call reaches the method from the interceptor that takes its lock: by `itself`, as the last
 * one; by the `lastStep` that start put behind all others; `undefined`: its identity can't be shown.
 */
export type Leads = 'itself' | 'lastStep' | undefined;

/** Tells {@link Leads} from the interceptors that Nest finds on a handler. */
export function leadsOf(handler: object, interceptor: object): Leads {
  const last = interceptorsOf(handler).at(-1);
  if (last === interceptor) return 'itself';
  return isLastStep(last) ? 'lastStep' : undefined;
}

/** Puts a last step behind the interceptors of a handler. */
export function endWith(step: LastStep, handler: object): void {
  const others = interceptorsOf(handler).filter((each) => !isLastStep(each));
  Reflect.defineMetadata(INTERCEPTORS, [...others, step], handler);
}

/** The interceptors of a method, outermost first. */
export function interceptorsOf(handler: object): readonly unknown[] {
  return (Reflect.getMetadata(INTERCEPTORS, handler) ?? []) as readonly unknown[];
}

function isLastStep(interceptor: unknown): boolean {
  return typeof interceptor === 'object' && interceptor !== null && LAST_STEP in interceptor;
}
