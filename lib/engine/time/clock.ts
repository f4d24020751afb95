import * as timers from 'node:timers';
import { clearProcessTimeout, processTimeout, Timeout } from './process-timers.js';

/** A running timer; only the clock that made it can stop it. */
export interface Timer {
  stop(): void;
}

/** Time and chance as the engine sees them; a test may bring its own. */
export interface Clock {
  /** Milliseconds on a monotonic clock with an arbitrary origin. */
  now(): number;
  /** Milliseconds since the epoch on the wall clock; only compared with itself. */
  wall(): number;
  /**
   * Runs `task` once, `ms` milliseconds from now, never before; any finite time.
   *
   * @param observer Whether the timer lets the process end; a waiter's must not.
   */
  after(ms: number, task: () => void, observer?: 'observer'): Timer;
  cancel(timer: Timer | undefined): void;
  /** A random number from 0 up to 1, for jitter. */
  random(): number;
}

/** `setTimeout` takes no more than this, about 24 days; longer times are waited for piece by piece. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Resolves in `ms` milliseconds; {@link Clock.after} tells of `observer`. */
export function pause(ms: number, clock: Clock, observer?: 'observer'): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve, observer));
}

/**
 * Runs `task` after `ms` on the timers of the process. A timer counts from when its turn of the event
 * loop began and may fire early: then it is set once more. Where a test moves the timers by hand, and
 * not `performance`, that would never end; so it is their word that counts there. A timer stays one of those
 * that it began as, whatever a test replaces meanwhile.
 */
class SystemTimer implements Timer {
  readonly #at: number;
  #timeout: NodeJS.Timeout | undefined;

  constructor(
    ms: number,
    private readonly task: () => void,
    private readonly observer: boolean,
  ) {
    this.#at = performance.now() + ms;
    this.#arm(ms, setTimeout);
  }

  stop(): void {
    const clear = this.#isMovedByHand ? clearTimeout : clearProcessTimeout;
    clear(this.#timeout);
  }

  #arm(ms: number, set: typeof processTimeout): void {
    const piece = Math.min(Math.max(0, Math.ceil(ms)), LONGEST_TIMEOUT_MS);
    this.#timeout = set(() => this.#fire(ms - piece), piece);
    if (this.observer) this.#timeout.unref();
  }

  #fire(rest: number): void {
    const byHand = this.#isMovedByHand;
    const missing = byHand ? rest : this.#at - performance.now();
    if (missing > 0) this.#arm(missing, byHand ? setTimeout : processTimeout);
    else this.task();
  }

  get #isMovedByHand(): boolean {
    return !(this.#timeout instanceof Timeout);
  }
}

/**
 * Whether the timers are not the process' own: a test may move them by hand, and no other clock. Then a timer
 * is all that knows when its time is over.
 */
export function areTimersReplaced(): boolean {
  return globalThis.setTimeout !== processTimeout;
}

/**
 * Runs `task` once what has arrived by now was read: after a busy spell timers come before sockets,
 * and an answer that lies there would count as missing.
 */
export function afterReads(task: () => void): void {
  timers.setImmediate(task);
}

/** The clock of the running process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, task, observer) => new SystemTimer(ms, task, observer !== undefined),
  cancel: (timer) => (timer as SystemTimer | undefined)?.stop(),
  random: () => Math.random(),
};
