import { LockUnavailableError } from '../api/errors.js';

/** One of several holders. */
export interface StoredHolder {
  /** With `~` before it when only its `minHold` runs on. */
  readonly token: string;
  readonly leaseLeft: number;
}

/** What a store knows of one lock. */
export interface StoredLock {
  /**
   * The exclusive holder's token; another party's value; `undefined` while only its `minHold` runs
   * on, or where several hold the lock.
   */
  readonly token: string | undefined;
  /** Where several may hold it beside each other: they, and how many may. */
  readonly several?: { readonly capacity: number; readonly holders: readonly StoredHolder[] };
  /** `Infinity` when the key never expires. */
  readonly leaseLeft: number;
  /** Waiting callers by process (`boot`), as last reported. */
  readonly waiters: ReadonlyMap<string, number>;
}

/** Servers were heard, and name several holders, each of which may have the lock. */
export class UndecidedError extends LockUnavailableError {
  override readonly name = 'LockUnavailableError';

  constructor(
    { keys, reason, cause, nodes }: LockUnavailableError,
    /** The lock as it is if one or the other of them has it. */
    readonly candidates: readonly StoredLock[],
  ) {
    super(keys, reason, cause, nodes);
  }
}
