import type { Lock } from '../api/lock.js';
import { afterReads } from '../time/clock.js';
import { LockHandle } from './lock-handle.js';
import type { ReentrantLock } from './reentrant-lock.js';

/** Releases locks that the application has dropped: they would be renewed for as long as the process lives. */
export class DroppedLocks {
  readonly #handles = new FinalizationRegistry<ReentrantLock>((lock) => this.#dropped(lock));
  /** Of this turn of the event loop: to watch each would make a lock that is passed on at once three times as dear. */
  readonly #fresh: { readonly handle: LockHandle; readonly lock: ReentrantLock }[] = [];

  /** The handle of a lock; without it nobody can release the lock. */
  handleOf(lock: ReentrantLock): Lock {
    const handle = new LockHandle(lock);
    if (this.#fresh.push({ handle, lock }) === 1) afterReads(this.#watch);
    return handle;
  }

  readonly #watch = (): void => {
    for (const { handle, lock } of this.#fresh.splice(0))
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
