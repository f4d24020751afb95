import { checkKey, type LockKeys } from '../api/lock-key.js';
import type { Lock } from '../api/lock.js';
import { type Frame, frameHere, runInFrame } from './async-place.js';
import type { ReentrantLock } from './reentrant-lock.js';

/** The locks of one service in the running context, innermost first. All that starts inside a section inherits it. */
export class LockContext {
  /** The frame of `lock`, inside the running context. */
  open(lock: ReentrantLock): Frame {
    const outer = liveFrom(frameHere());
    // A job that starts its successor inside its own section must not drag along all that came before.
    if (outer !== undefined) outer.outer = liveFrom(outer.outer);
    return { lock, owner: this, outer };
  }

  /** Runs `task` inside a frame, unless the running context is inside it. */
  run<T>(frame: Frame, task: () => T): T {
    let running = frameHere();
    while (running !== undefined && running !== frame) running = running.outer;
    if (running === frame) return task();
    return runInFrame(frame, () => frame.lock.run(task));
  }

  /** The locks of the running context that have not been released, innermost first. */
  *held(): Generator<ReentrantLock> {
    for (let frame = liveFrom(frameHere()); frame !== undefined; frame = liveFrom(frame.outer))
      if (frame.owner === this) yield frame.lock;
  }

  /** The innermost of them; of those that were taken for `key` when given. */
  current(key?: string): ReentrantLock | undefined {
    if (key !== undefined) checkKey(key);
    for (const lock of this.held()) {
      if (key === undefined || lock.keys.includes(key)) return lock;
    }
    return undefined;
  }

  /** The one lock of the running context by which a call for all of these keys re-enters. */
  holderOf(keys: LockKeys): ReentrantLock | undefined {
    const holder = this.find(keys[0]);
    const isOne = keys.length === 1 || keys.every((key) => this.find(key) === holder);
    return isOne ? holder : undefined;
  }

  /** Those of these keys that the running context does not hold. */
  missing(keys: readonly string[]): readonly string[] {
    return keys.filter((key) => this.find(key) === undefined);
  }

  /** The innermost lock of the running context that has not been released, of `key` when given. */
  find(key?: string): ReentrantLock | undefined {
    for (let frame = liveFrom(frameHere()); frame !== undefined; frame = liveFrom(frame.outer)) {
      const { lock, owner } = frame;
      const isMeant = key === undefined || lock.parts.some((part) => part.key === key);
      if (isMeant && owner === this) return lock;
    }
    return undefined;
  }
}

/** The first frame, outwards from this one, whose lock has not been given back. */
function liveFrom(frame: Frame | undefined): Frame | undefined {
  let live = frame;
  while (live?.lock.over === true) live = live.outer;
  return live;
}

/** What runs while a lock is held: a context in which calls for its key re-enter. */
export class LockedSection {
  #ended: Promise<'released' | 'lost'> | undefined;
  #frame: Frame | undefined;

  constructor(
    private readonly held: ReentrantLock,
    private readonly contexts: LockContext,
  ) {}

  get lock(): Lock {
    return this.held;
  }

  /** Whether its task has given the lock back, or detached it. */
  get over(): boolean {
    return this.held.over;
  }

  /** Why the lock was lost, if it was. */
  get lostError(): ReentrantLock['lostError'] {
    return this.held.lostError;
  }

  /**
   * Runs `task` inside the section's context, from wherever it is called; does not end the section.
   */
  run<T>(task: () => T): T {
    return this.contexts.run((this.#frame ??= this.contexts.open(this.held)), task);
  }

  /** Runs `task` around the section, from inside it. */
  outside<T>(task: () => T): T {
    return this.#frame === undefined ? task() : runInFrame(this.#frame.outer, task);
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
