/** A running timer; only the clock that made it can stop it. */
export type Timer = NodeJS.Timeout;

/** Time and chance as the engine sees them; a test may bring its own. */
export interface Clock {
  /** Milliseconds on a monotonic clock with an arbitrary origin. */
  now(): number;
  /** Milliseconds since the epoch on the wall clock; only compared with itself. */
  wall(): number;
  /**
   * Runs `task` once, `ms` milliseconds from now.
   *
   * @param observer Whether the timer lets the process end; a waiter's must not.
   */
  after(ms: number, task: () => void, observer?: 'observer'): Timer;
  cancel(timer: Timer | undefined): void;
  /** A random number from 0 up to 1, for jitter. */
  random(): number;
}

/** `setTimeout` treats more than 2^31 - 1 ms as 1 ms; a timer this long runs for 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs `task` once what has arrived by now was read: after a busy spell timers come before sockets,
 * and an answer that lies there would count as missing.
 */
export function afterReads(task: () => void): void {
  setImmediate(task);
}

/** The clock of the running process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, task, observer) {
    const timer = setTimeout(task, Math.min(Math.max(0, Math.ceil(ms)), LONGEST_TIMER_MS));
    if (observer !== undefined) timer.unref();
    return timer;
  },
  cancel: (timer) => clearTimeout(timer),
  random: () => Math.random(),
};
