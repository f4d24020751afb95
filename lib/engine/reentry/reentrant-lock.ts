import type { DetachedLocks } from '../api/detached-lock.js';
import type { LockConfigError, LockLostError } from '../api/errors.js';
import type { LockRequest } from '../api/lock-options.js';
import type { Lock } from '../api/lock.js';
import { ReentryQueue } from './reentry-queue.js';

/** The lock of one key, as it was first taken. */
export interface LockPart {
  readonly key: string;
  /** How many may hold it beside each other, as its first holder asked. */
  readonly capacity: number;
  /** Whoever has the key after this gets a fencing number above `fence`, which it shares from here on. */
  raiseFence(fence: number): void;
  /** It stays locked for so many milliseconds from here on at least, even when it is released before. */
  keepFor(ms: number): void;
}

/** A lock as the engine knows it: one that nested calls can re-enter. */
export interface ReentrantLock extends Lock {
  /** Given back, lost or not: nobody can re-enter any more. */
  readonly over: boolean;
  /** Why it was lost, if it was. */
  readonly lostError: LockLostError | undefined;
  /** Calls the listener once the lock is lost. Returns what takes it away. */
  onLoss(listener: (error: LockLostError) => void): () => void;
  readonly reentries: ReentryQueue;
  /** Whether a re-entry is running. */
  readonly reentered: boolean;
  /** Runs what is done under the lock as its observers want it. */
  run<T>(task: () => T): T;
  readonly request: LockRequest;
  /** All keys that calls inside re-enter it for; its own, and those of the locks that it re-enters. */
  readonly parts: readonly LockPart[];
  /** Why it can't be detached, though it is held; names `keys`. */
  detachRefusal(keys: readonly string[]): LockConfigError | undefined;
  /** `detach`, before there is a ticket of it. */
  leaveHeld(): Promise<DetachedLocks>;
  /** Whether something listens to its signal, and so relies on it. */
  readonly isWatched: boolean;
  /** Nothing refers to the lock any more: releases it. */
  drop(): void;
}
