import { getEventListeners, setMaxListeners } from 'node:events';
import type { LockLostError } from '../api/errors.js';
import { runApart } from './async-place.js';

/** Tells the application that a lock is, or may be, lost. Costs nothing as long as nobody asks for the signal. */
export class LossSignal {
  #abort: AbortController | undefined;
  #error: LockLostError | undefined;
  #listeners: Set<(error: LockLostError) => void> | undefined;

  /** Why the lock was lost, if it was. */
  get error(): LockLostError | undefined {
    return this.#error;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      // It is for all that runs under the lock, however much that is.
      setMaxListeners(0, this.#abort.signal);
      if (this.#error !== undefined) this.#abort.abort(this.#error);
    }
    return this.#abort.signal;
  }

  /** Whether something listens, and so relies on it. */
  get isWatched(): boolean {
    return this.#abort !== undefined && getEventListeners(this.#abort.signal, 'abort').length > 0;
  }

  /** Tells a lock that this one is part of, which costs less than a signal. Returns what ends it. */
  listen(listener: (error: LockLostError) => void): () => void {
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** @param told Called before the signal aborts. */
  lose(error: LockLostError, told: () => void): void {
    this.#error = error;
    told();
    this.abort(error);
    for (const listener of this.#listeners ?? []) listener(error);
  }

  /** Nothing refers to the lock any more. */
  abort(error: LockLostError): void {
    runApart(() => this.#abort?.abort(error));
  }
}
