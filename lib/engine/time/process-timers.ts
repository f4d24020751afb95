import { AsyncResource } from 'node:async_hooks';
import * as timers from 'node:timers';

// The package looks at the timers when it is imported: by the time that the engine is read a test may have
// put its own in their place.

/** What sets, and stops, the process' own timers. */
export const { setTimeout: processTimeout, clearTimeout: clearProcessTimeout } = timers;

const importContext = new AsyncResource('LOCK_TIMERS');

/** Runs `task` in the async context in which the package was imported: mostly none. */
export function inImportContext<T>(task: () => T): T {
  return importContext.runInAsyncScope(task);
}

/** The class of the process' own timers; those that a test moves by hand are of another one. */
export const Timeout = classOfTimers();

function classOfTimers(): new () => NodeJS.Timeout {
  const timer = processTimeout(() => undefined, 0);
  clearProcessTimeout(timer);
  return timer.constructor as new () => NodeJS.Timeout;
}
