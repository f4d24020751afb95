import { LockConfigError } from '../../engine/api/errors.js';
import type { LockedPlan } from '../locked/plan.js';
import { isStreaming } from '../result/held-result.js';
import { runsLater } from '../result/runs-later.js';

/** How far a result is looked into: as deep as contracts of routes are nested. */
const DEPTH = 3;

/** GraphQL calls the functions of objects for their fields, whose locks are of their own. */
const DEPTH_OF_FIELDS = 1;

/** The call whose result is looked at. */
interface Call {
  readonly plan: LockedPlan;
  readonly transport: string;
}

/**
 * The error of a handler whose result is work that others run once the lock has been released;
 * `undefined` for any other result.
 */
export function laterWork({ plan, transport }: Call, result: unknown): LockConfigError | undefined {
  const depth = transport === 'graphql' ? DEPTH_OF_FIELDS : DEPTH;
  // One that was made by hand has nothing but functions: it is read, and held until then.
  if (!runsLater(result, depth) || isStreaming(result)) return undefined;
  const why = plan.key.positional
    ? 'a positional key locks the method only: use a part of the request'
    : 'write @Locked below the decorator that runs it';
  return new LockConfigError([
    `@Locked on ${plan.owner}: the handler returned a function, which would run without the lock; ${why}.`,
  ]);
}
