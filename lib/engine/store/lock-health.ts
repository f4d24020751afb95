import type { LockError } from '../api/errors.js';

/** The key that is asked for to see whether the store answers; it is never locked. */
export const PROBE = 'nestjs-redis-lock:health';

/** The nodes of a store that needs most of them. */
export interface QuorumState {
  readonly nodes: number;
  readonly needed: number;
  /** As `host:port`. */
  readonly silent: readonly string[];
}

/** How one process stands with its store. */
export interface LockHealth {
  /** Why the store can't be used. */
  readonly trouble: LockError | undefined;
  readonly quorum: QuorumState | undefined;
  /** Callers that wait in this process, and how long the first of them has, in milliseconds. */
  readonly waiters: number;
  readonly longestWaitMs: number;
}
