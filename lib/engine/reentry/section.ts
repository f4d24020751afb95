import type { ReentrantLock } from '../hold/caller-lock.js';
import type { LockContext } from './lock-context.js';
import type { Lock } from '../api/lock.js';

/** What runs while a lock is held: a context in which calls for its key re-enter. */
export class LockedSection {
  #ended: Promise<'released' | 'lost'> | undefined;

  constructor(
    private readonly held: ReentrantLock,
    private readonly contexts: LockContext,
  ) {}

  get lock(): Lock {
    return this.held;
  }

  /** Why the lock was lost, if it was. */
  get lostError(): ReentrantLock['lostError'] {
    return this.held.lostError;
  }

  /** Runs `task` inside the section's context; does not end the section. */
  run<T>(task: () => T): T {
    return this.contexts.run(this.held, task);
  }

  /**
   * {@link end} for a result that must not wait: while re-entries are running that nobody awaited,
   * the lock goes after them, and the result before.
   */
  endWithResult(): Promise<'released' | 'lost'> {
    const ending = this.end();
    if (!this.held.reentered) return ending;
    return Promise.resolve(this.lostError === undefined ? 'released' : 'lost');
  }

  /**
   * Releases the lock once all re-entries have ended. Never rejects: when Redis does not answer, the
   * section was protected all the same, and a `release-failed` event tells of the rest.
   */
  end(): Promise<'released' | 'lost'> {
    return (this.#ended ??= this.held.release().catch(() => 'released' as const));
  }
}
