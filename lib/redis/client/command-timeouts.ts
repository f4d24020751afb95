import { afterReads, type Clock, type Timer } from '../../engine/time/clock.js';

/** A command that waits for its answer. */
export interface Pending {
  /** When to stop waiting, by the connection's clock. */
  readonly deadline: number;
  readonly expire: () => void;
}

/**
 * Ends the wait of commands that are not answered in time, with one timer for all of a connection:
 * a timer for each would cost more than the command itself. It runs on after the last answer, and
 * finds nothing to do.
 */
export class CommandTimeouts {
  readonly #pending = new Set<Pending>();
  #timer: Timer | undefined;
  #dueAt = Infinity;

  constructor(private readonly clock: Clock) {}

  add(pending: Pending): void {
    this.#pending.add(pending);
    if (pending.deadline < this.#dueAt) this.#lookAt(pending.deadline);
  }

  answered(pending: Pending): void {
    this.#pending.delete(pending);
  }

  /** Nothing more will be sent; what is under way is still waited for. */
  close(): void {
    if (this.#pending.size === 0) this.clock.cancel(this.#timer);
  }

  #lookAt(moment: number): void {
    this.clock.cancel(this.#timer);
    this.#dueAt = moment;
    const look = (): void => afterReads(() => this.#look());
    this.#timer = this.clock.after(moment - this.clock.now(), look, 'observer');
  }

  #look(): void {
    this.#dueAt = Infinity;
    const now = this.clock.now();
    let next = Infinity;
    for (const pending of this.#pending) {
      if (pending.deadline > now) next = Math.min(next, pending.deadline);
      else {
        this.#pending.delete(pending);
        pending.expire();
      }
    }
    if (next < this.#dueAt) this.#lookAt(next);
  }
}
