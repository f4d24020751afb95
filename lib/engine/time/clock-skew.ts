import type { Clock } from './clock.js';

const SUSPECT_MS = 50;

/**
 * Wall clock minus monotonic clock. The monotonic clock stands still while a machine is suspended,
 * leases in Redis do not: this grows by as much, as it does when the wall clock is set forward.
 */
export function skewOf(clock: Clock, now = clock.now()): number {
  return clock.wall() - now;
}

/** How long the machine may have been suspended since the skew was `before`; 0 for small differences. */
export function suspendedSince(before: number, clock: Clock): number {
  return suspendedBetween(before, skewOf(clock));
}

/** How long it may have been suspended between two looks at the clocks. */
export function suspendedBetween(before: number, skew: number): number {
  const ahead = skew - before;
  return ahead > SUSPECT_MS ? ahead : 0;
}
