import type { LockLostError } from '../api/errors.js';
import type { LockRequest } from '../api/lock-options.js';
import { DetachableLock } from './detachable-lock.js';
import { LossSignal } from './loss-signal.js';

/** A lock with a lease of its own, which can be lost; not one that re-enters another. */
export abstract class LeasedLock extends DetachableLock {
  /** Unset until somebody asks, or it is lost. */
  #loss: LossSignal | undefined;

  abstract get request(): LockRequest;

  /** Why it was lost, if it was. */
  get lostError(): LockLostError | undefined {
    return this.#loss?.error;
  }

  get signal(): AbortSignal {
    return this.#lossSignal.signal;
  }

  get isWatched(): boolean {
    return this.#loss?.isWatched === true;
  }

  onLoss(listener: (error: LockLostError) => void): () => void {
    return this.#lossSignal.listen(listener);
  }

  run<T>(task: () => T): T {
    const { observed } = this.request;
    return observed === undefined ? task() : observed.run(task);
  }

  /** @param told Called before the signal aborts. */
  protected endAsLost(error: LockLostError, told: () => void): void {
    this.#lossSignal.lose(error, told);
  }

  /** Nothing refers to the lock any more. */
  protected abortSignal(error: LockLostError): void {
    this.#loss?.abort(error);
  }

  get #lossSignal(): LossSignal {
    return (this.#loss ??= new LossSignal());
  }
}
