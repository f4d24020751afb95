import * as timers from 'node:timers';

/**
 * The class of the process' own timers; those that a test moves by hand are of another one. The package
 * looks at it when it is imported, since by the time that the engine is read a test may have begun.
 */
export const Timeout = classOfTimers();

function classOfTimers(): new () => NodeJS.Timeout {
  const timer = timers.setTimeout(() => undefined, 0);
  timers.clearTimeout(timer);
  return timer.constructor as new () => NodeJS.Timeout;
}
