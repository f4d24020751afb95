import type { Clock, Timer } from '../../lib/engine/time/clock.js';

interface Alarm {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/** A clock that stands still until the test moves it; timers fire in the order of their moments. */
export class VirtualClock implements Clock {
  /** What `random()` answers. */
  chance = 0.5;
  #now: number;
  #wall: number;
  #order = 0;
  readonly #alarms = new Map<Timer, Alarm>();

  constructor({ now = 1000, wall = 1_700_000_000_000 } = {}) {
    this.#now = now;
    this.#wall = wall;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wall;
  }

  random(): number {
    return this.chance;
  }

  after(ms: number, task: () => void): Timer {
    const timer = {} as Timer;
    this.#order += 1;
    this.#alarms.set(timer, { at: this.#now + Math.max(0, ms), order: this.#order, task });
    return timer;
  }

  cancel(timer: Timer | undefined): void {
    if (timer !== undefined) this.#alarms.delete(timer);
  }

  /** Timers that are set and have not fired. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Lets `ms` milliseconds pass; promises settle before each timer and afterwards. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#next();
      if (next === undefined || next[1].at > until) break;
      this.#alarms.delete(next[0]);
      this.#moveTo(Math.max(this.#now, next[1].at));
      next[1].task();
    }
    this.#moveTo(until);
    await settle();
  }

  /** Keeps the process busy for `ms` milliseconds: timers that are due meanwhile fire later. */
  block(ms: number): void {
    this.#moveTo(this.#now + ms);
  }

  /** Sets the wall clock forward (or back), as an administrator, or a machine that was suspended. */
  stepWall(ms: number): void {
    this.#wall += ms;
  }

  #moveTo(moment: number): void {
    this.#wall += moment - this.#now;
    this.#now = moment;
  }

  #next(): [Timer, Alarm] | undefined {
    let first: [Timer, Alarm] | undefined;
    for (const entry of this.#alarms) {
      const [, { at, order }] = entry;
      if (first === undefined || at < first[1].at || (at === first[1].at && order < first[1].order))
        first = entry;
    }
    return first;
  }
}

/** Lets every promise settle that only waits for others, pushes of the memory store included. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
