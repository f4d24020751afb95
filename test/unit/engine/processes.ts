import { LockManager } from '../../../lib/engine/lock-manager.js';
import { readSettings } from '../../../lib/engine/api/lock-options.check.js';
import { OptionReader } from '../../../lib/engine/api/option-reader.js';
import type { LockKey } from '../../../lib/engine/api/lock-key.js';
import type { LockOptions } from '../../../lib/engine/api/lock-options.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { MemoryLockStore } from '../../../lib/memory/memory-lock.store.js';
import { MemorySpace } from '../../../lib/memory/memory-space.js';
import { keepLocks } from '../../support/keep-locks.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { FaultyStore } from './faulty-store.js';

/** One process, and what stands between it and the locks. */
export interface Process {
  readonly manager: LockManager;
  readonly store: FaultyStore;
}

/** Processes that share locks in a memory, on a clock that stands still until the test moves it. */
export class Processes {
  readonly clock = new VirtualClock();
  readonly space = new MemorySpace(this.clock);

  open(options: object = {}): Process {
    let store: FaultyStore | undefined;
    const settings = readSettings(new OptionReader({ shutdownTimeout: 0, ...options }));
    const manager = new LockManager(
      settings,
      (boot) => (store = new FaultyStore(new MemoryLockStore(boot, this.space))),
      this.clock,
    );
    if (store === undefined) throw new Error('The manager opened no store.');
    return { manager: keepLocks(manager), store };
  }

  /** Resolves when the clock has gone on by `ms`. */
  after(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }
}

/** What has become of a call so far. */
export class Call {
  lock: Lock | undefined;
  error: unknown;
  readonly settled: Promise<void>;

  constructor(manager: LockManager, options: LockOptions = {}, key: LockKey = 'k') {
    this.settled = manager.acquire(key, options).then(
      (lock) => void (this.lock = lock),
      (error: unknown) => void (this.error = error),
    );
  }
}
