import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Longest wait for the first success; milliseconds. @default 10_000 */
  readonly within?: number;
  /** Pause between two tries; milliseconds. @default 10 */
  readonly every?: number;
}

/**
 * Calls `check` until it neither throws nor rejects, and resolves with its value.
 *
 * Rejects with the last failure when `within` is over; a check under way then is waited for.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  const { within = 10_000, every = 10 } = options;
  const deadline = performance.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
    await sleep(every);
  }
}
