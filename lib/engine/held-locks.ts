import { AsyncLocalStorage } from 'node:async_hooks';
import type { EngineLock } from './held-lock.js';

interface Frame {
  readonly lock: EngineLock;
  readonly outer: Frame | undefined;
}

/** The locks of the running context, innermost first. All that starts inside a section inherits it. */
export class HeldLocks {
  readonly #storage = new AsyncLocalStorage<Frame>();

  /** Runs `task` inside the section of `lock`. */
  run<T>(lock: EngineLock, task: () => T): T {
    return this.#storage.run({ lock, outer: this.#innermost() }, task);
  }

  /** The innermost lock of the running context that has not been released, of `key` when given. */
  find(key?: string): EngineLock | undefined {
    for (let frame = this.#innermost(); frame !== undefined; frame = frame.outer) {
      if (!frame.lock.over && (key === undefined || frame.lock.keys.includes(key)))
        return frame.lock;
    }
    return undefined;
  }

  /** A job that starts its successor inside its own section must not drag along all that came before. */
  #innermost(): Frame | undefined {
    let frame = this.#storage.getStore();
    while (frame?.lock.over === true) frame = frame.outer;
    return frame;
  }
}
