import type { Clock } from './clock.js';

/** Resolves when the promise has settled, or after `ms` all the same. */
export function atMost(ms: number, promise: Promise<unknown>, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = ms === Infinity ? undefined : clock.after(ms, resolve);
    const settled = (): void => {
      clock.cancel(timer);
      resolve();
    };
    promise.then(settled, settled);
  });
}
