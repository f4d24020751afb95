import { AsyncLocalStorage } from 'node:async_hooks';
import type { ReentrantLock } from '../hold/caller-lock.js';

interface Frame {
  readonly lock: ReentrantLock;
  outer: Frame | undefined;
}

/** The locks of the running context, innermost first. All that starts inside a section inherits it. */
export class LockContext {
  readonly #storage = new AsyncLocalStorage<Frame>();

  /** Runs `task` inside the section of `lock`. */
  run<T>(lock: ReentrantLock, task: () => T): T {
    const outer = liveFrom(this.#storage.getStore());
    // A job that starts its successor inside its own section must not drag along all that came before.
    if (outer !== undefined) outer.outer = liveFrom(outer.outer);
    return this.#storage.run({ lock, outer }, task);
  }

  /** The innermost lock of the running context that has not been released, of `key` when given. */
  find(key?: string): ReentrantLock | undefined {
    const wanted = (lock: ReentrantLock): boolean => key === undefined || lock.keys.includes(key);
    let frame = liveFrom(this.#storage.getStore());
    while (frame !== undefined && !wanted(frame.lock)) frame = liveFrom(frame.outer);
    return frame?.lock;
  }
}

/** The first frame, outwards from this one, whose lock has not been given back. */
function liveFrom(frame: Frame | undefined): Frame | undefined {
  let live = frame;
  while (live?.lock.over === true) live = live.outer;
  return live;
}
