/** A command that waits for its answer. */
export interface Pending {
  /** When to stop waiting, on `performance.now()`. */
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
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;

  add(pending: Pending): void {
    this.#pending.add(pending);
    if (pending.deadline < this.#dueAt) this.#lookAt(pending.deadline);
  }

  answered(pending: Pending): void {
    this.#pending.delete(pending);
  }

  /** Nothing more will be sent; what is under way is still waited for. */
  close(): void {
    if (this.#pending.size === 0) clearTimeout(this.#timer);
  }

  #lookAt(moment: number): void {
    clearTimeout(this.#timer);
    this.#dueAt = moment;
    const ms = Math.max(0, Math.ceil(moment - performance.now()));
    // After a busy spell timers come first: what has arrived is read before it counts as missing.
    this.#timer = setTimeout(() => setImmediate(() => this.#look()), ms).unref();
  }

  #look(): void {
    this.#dueAt = Infinity;
    const now = performance.now();
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
