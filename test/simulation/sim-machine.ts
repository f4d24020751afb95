import type { Clock, Timer } from '../../lib/engine/time/clock.js';
import type { World } from './world.js';

/** Milliseconds since the epoch at which worlds begin. */
export const EPOCH = 1_700_000_000_000;

/** A process and its machine: it can be stopped, suspended and killed, and its clocks are its own. */
export class SimMachine implements Clock {
  isDead = false;
  /** Since when it does nothing. */
  #pausedAt: number | undefined;
  #isSuspended = false;
  #asleep = 0;
  #wallAhead = 0;
  /** When it went on last, and what it had missed. */
  resumedAt = -Infinity;
  /** A network takes its time to come back. */
  #readsFrom = 0;
  readonly #missedTimers: (() => void)[] = [];
  readonly #missedReads: (() => void)[] = [];
  readonly random: () => number;

  constructor(
    private readonly world: World,
    readonly name: string,
  ) {
    this.random = world.random(`chance of ${name}`);
  }

  get isPaused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** Suspended machines: the monotonic clock stands still. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  now(): number {
    const slept = this.#isSuspended ? this.world.now - this.#pausedAt! : 0;
    return 1000 + this.world.now - this.#asleep - slept;
  }

  wall(): number {
    return EPOCH + this.world.now + this.#wallAhead;
  }

  after(ms: number, task: () => void): Timer {
    const timer = { isStopped: false, stop: () => void (timer.isStopped = true) };
    const at = this.now() + Math.max(0, ms);
    const fire = (): void => {
      if (timer.isStopped || this.isDead) return;
      if (this.isPaused) return void this.#missedTimers.push(fire);
      const missing = at - this.now();
      if (missing > 1e-6) return this.world.in(missing, fire);
      timer.isStopped = true;
      task();
    };
    if (ms !== Infinity) this.world.in(Math.max(0, ms), fire);
    return timer;
  }

  cancel(timer: Timer | undefined): void {
    timer?.stop();
  }

  /** What a socket brings: read when the process runs, after the timers that are due. */
  read(task: () => void): void {
    if (this.isDead) return;
    if (this.isPaused) this.#missedReads.push(() => this.read(task));
    else if (this.world.now < this.#readsFrom)
      this.world.at(this.#readsFrom, () => this.read(task));
    else task();
  }

  stepWall(ms: number): void {
    this.#wallAhead += ms;
  }

  stop(suspended: boolean): void {
    if (this.isPaused || this.isDead) return;
    this.#pausedAt = this.world.now;
    this.#isSuspended = suspended;
  }

  resume(): void {
    if (this.#pausedAt === undefined) return;
    if (this.#isSuspended) {
      this.#asleep += this.world.now - this.#pausedAt;
      this.#readsFrom = this.world.now + this.random() * 500;
    }
    this.#pausedAt = undefined;
    this.#isSuspended = false;
    this.resumedAt = this.world.now;
    for (const task of this.#missedTimers.splice(0)) this.world.in(0, task);
    for (const task of this.#missedReads.splice(0)) this.world.at(this.#readsFrom, task);
  }
}
