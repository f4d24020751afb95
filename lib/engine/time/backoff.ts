import type { Clock } from './clock.js';

const FIRST_PAUSE_MS = 20;

const MAX_PAUSE_MS = 500;

/** How long to wait after the n-th failure in a row: doubling from 40 ms to 500 ms, half of it by chance. */
export function backoff(failures: number, clock: Clock): number {
  return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + clock.random() / 2);
}
