import type { QueuePlace } from '../store/lock-store.js';
import { backoff } from '../time/backoff.js';
import type { Clock, Timer } from '../time/clock.js';

const POLL_MS = 2500;
const PER_RANK_MS = 50;
/** So often, on average, while a program that is none of ours holds the lock; 100 to 400 ms, so that no two keep step. */
const FOREIGN_MS = 250;
const FIRST_SPLIT_PAUSE_MS = 2;
const MAX_SPLIT_PAUSE_MS = 500;
/** So often a caller that waits asks for the rest of the nodes before it makes way, in about a second. */
const SPLITS = 8;
/** A caller that does not wait: a tenth of a second. */
const SPLITS_AT_ONCE = 5;

/** When a waiting token asks for its place again. */
export class PollTimer {
  #failures = 0;
  #splits = 0;
  /** How soon once the place is known. */
  #soon = Infinity;
  #timer: Timer | undefined;
  #due = Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly attempt: { hurry(): void },
    /** Whether an attempt before has made way, and nothing has changed since: then there is no hurry. */
    private readonly isSlow: boolean,
  ) {}

  /** The place was confirmed: the next sign of life, or when the holder's lease should be over. */
  queued({ leaseLeft, rank, pollIn, holder }: QueuePlace): void {
    this.#failures = 0;
    this.#splits = 0;
    // A program that is none of ours tells nobody when it goes.
    const foreign = FOREIGN_MS * (0.4 + 1.2 * this.clock.random());
    const inTime = pollIn ?? leaseLeft + rank * PER_RANK_MS + 1;
    this.in(Math.min(this.#soon, holder === '' ? Math.min(foreign, inTime) : inTime));
    this.#soon = Infinity;
  }

  /** Word has overtaken an answer: once that is here it asks in `ms` at the latest. */
  soon(ms: number): void {
    this.#soon = Math.min(this.#soon, ms);
  }

  failed(): void {
    this.#failures += 1;
    this.in(backoff(this.#failures, this.clock));
  }

  /** Others have the rest of the nodes; `false` when that has lasted too long. */
  split(patient: boolean): boolean {
    this.#splits += 1;
    this.#soon = Infinity;
    if (this.#splits > (patient ? SPLITS : SPLITS_AT_ONCE)) return false;
    const pause = this.isSlow
      ? MAX_SPLIT_PAUSE_MS
      : Math.min(MAX_SPLIT_PAUSE_MS, FIRST_SPLIT_PAUSE_MS * 2 ** this.#splits);
    this.in(pause * (0.5 + this.clock.random() / 2));
    return true;
  }

  /** Asks in `ms`, or when it would have asked anyway: word of one end says nothing of the others. */
  atLatest(ms: number): void {
    if (this.clock.now() + ms < this.#due) this.in(ms);
  }

  in(ms: number): void {
    this.clock.cancel(this.#timer);
    const pause = Math.min(POLL_MS, ms);
    this.#due = this.clock.now() + pause;
    this.#timer = this.clock.after(pause, () => this.attempt.hurry());
  }

  stop(): void {
    this.clock.cancel(this.#timer);
  }
}
