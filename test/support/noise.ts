import { afterTest } from './after-test.js';

/**
 * What a slow, busy machine may add to a time that a test measures; milliseconds.
 *
 * An upper bound is what is promised plus this; the fault that the test looks for (a command's
 * timeout, a poll, a lease) costs more. A bound of safety has no such allowance.
 * `TEST_NOISE_MS=100 npm test` is as strict as a quiet machine allows.
 */
export const NOISE_MS = Number(process.env['TEST_NOISE_MS'] ?? 750);

/**
 * A timer beside those of the library. Timers fire in the order in which they are due, however
 * late: what has to come before this one does so on a machine of any speed.
 */
export function countdown(ms: number): { readonly isOver: () => boolean } {
  let over = false;
  const timer = setTimeout(() => (over = true), ms);
  afterTest(() => clearTimeout(timer));
  return { isOver: () => over };
}
