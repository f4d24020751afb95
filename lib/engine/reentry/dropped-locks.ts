import type { Lock } from '../api/lock.js';
import { LockHandle } from './lock-handle.js';
import type { ReentrantLock } from './reentrant-lock.js';

/** Releases locks that the application has dropped: they would be renewed for as long as the process lives. */
export class DroppedLocks {
  readonly #handles = new FinalizationRegistry<ReentrantLock>((lock) => this.#dropped(lock));

  /** The handle of a lock; without it nobody can release the lock. */
  handleOf(lock: ReentrantLock): Lock {
    const handle = new LockHandle(lock);
    this.#handles.register(handle, lock);
    return handle;
  }

  #dropped(lock: ReentrantLock): void {
    if (lock.over || lock.isWatched) return;
    const { label } = lock.request;
    process.emitWarning(
      `Lock ${JSON.stringify(lock.key)}${label === '' ? '' : ` (${label})`} was never released, and nothing ` +
        'refers to it any more: it is released now. Call release(), or hold it by "await using".',
      { type: 'LockWarning', code: 'LOCK_DROPPED' },
    );
    lock.drop();
  }
}
