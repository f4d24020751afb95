import type { Clock, Timer } from '../../engine/time/clock.js';

/**
 * Runs `task` every `ms` milliseconds without keeping the process alive for it.
 *
 * @returns A function that ends it.
 */
export function every(clock: Clock, ms: number, task: () => void): () => void {
  let timer: Timer;
  const arm = (): void => {
    timer = clock.after(ms, run, 'observer');
  };
  const run = (): void => {
    arm();
    task();
  };
  arm();
  return () => clock.cancel(timer);
}
