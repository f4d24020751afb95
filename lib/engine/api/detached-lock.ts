/** The lock of one key that no process holds: what its ticket says. */
export interface DetachedLock {
  readonly key: string;
  /** By which it is held; whoever knows it may attach the lock. */
  readonly token: string;
  /** The fencing number of its holder. */
  readonly fence: number;
  /** The lease that it was detached with, in milliseconds. */
  readonly lease: number;
  /** What was left of its `minHold` then, in milliseconds. */
  readonly minHoldLeft: number;
}

/** All that was detached by one ticket: a lock of each key. */
export type DetachedLocks = readonly [DetachedLock, ...DetachedLock[]];
