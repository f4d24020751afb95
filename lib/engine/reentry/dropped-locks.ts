import type { Lock } from '../api/lock.js';
import { asItIs, type Reception } from '../api/reception.js';
import type { Clock, Timer } from '../time/clock.js';
import { LockHandle } from './lock-handle.js';
import type { ReentrantLock } from './reentrant-lock.js';

/** Makes a handle of the lock that a call gets. */
export type ToHandle = Reception<ReentrantLock, Lock>;

/** How long a lock may stay unwatched, in milliseconds. */
const FRESH_MS = 1000;

/** Releases locks that the application has dropped: they would be renewed for as long as the process lives. */
export class DroppedLocks {
  readonly #handles = new FinalizationRegistry<ReentrantLock>((lock) => this.#dropped(lock));
  /** Held and not watched yet: to watch each would make a lock that is given back at once three times as dear. */
  readonly #fresh: LockHandle[] = [];
  #timer: Timer | undefined;
  #toHandle: ToHandle | undefined;

  constructor(private readonly clock: Clock) {}

  /** The handle of a lock; without it nobody can release the lock. */
  readonly handleOf = (lock: ReentrantLock): Lock => {
    this.#timer ??= this.clock.after(FRESH_MS, this.#watch, 'observer');
    return new LockHandle(lock, this.#fresh);
  };

  /** The handle of a lock that a call is to get, whose errors go through `failed`: mostly one function for all. */
  toHandle(failed: ToHandle['failed'] = asItIs().failed): ToHandle {
    if (this.#toHandle?.failed !== failed) this.#toHandle = { got: this.handleOf, failed };
    return this.#toHandle;
  }

  close(): void {
    this.clock.cancel(this.#timer);
  }

  readonly #watch = (): void => {
    this.#timer = undefined;
    for (const [handle, lock] of LockHandle.takeAll(this.#fresh))
      if (!isOver(lock)) this.#handles.register(handle, lock);
  };

  #dropped(lock: ReentrantLock): void {
    if (isOver(lock) || lock.isWatched) return;
    const { label } = lock.request;
    process.emitWarning(
      `Lock ${JSON.stringify(lock.key)}${label === '' ? '' : ` (${label})`} was never released, and nothing ` +
        'refers to it any more: it is released now. Call release(), or hold it by "await using".',
      { type: 'LockWarning', code: 'LOCK_DROPPED' },
    );
    lock.drop();
  }
}

/** Whether there is nothing left to release: it was given away, or lost. */
function isOver(lock: ReentrantLock): boolean {
  return lock.over || lock.lostError !== undefined;
}
