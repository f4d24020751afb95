import { LockConfigError } from './errors.js';

/**
 * How many may hold a key beside each other, which is all that tells one kind of lock from another.
 * Holders and a newcomer get along when they ask for the same capacity and fewer than that hold it.
 */

/** An exclusive lock. */
export const EXCLUSIVE = 1;
/** Most permits of a semaphore. */
export const MAX_PERMITS = 1_000_000;
/** A shared lock: more than can ever hold it. */
export const SHARED = 9_999_999;

/** How a kind of lock is asked for, and shown by `inspect`. */
export interface LockKind {
  readonly mode: 'exclusive' | 'shared';
  readonly permits: number;
}

/** The capacity that a call asks for. */
export function capacityOf({ mode, permits }: LockKind): number {
  return mode === 'shared' ? SHARED : permits;
}

/** How a capacity was asked for. */
export function kindOf(capacity: number): LockKind {
  return capacity === SHARED
    ? { mode: 'shared', permits: 1 }
    : { mode: 'exclusive', permits: capacity };
}

/**
 * Whether two uses of one key may wait for each other: exclusive and shared ones may, a semaphore
 * waits for its own kind alone. Any other pair is a mistake in a program.
 */
export function areCompatible(one: number, other: number): boolean {
  return one === other || (!isSemaphore(one) && !isSemaphore(other));
}

/** What the one is told that came second. */
export function kindConflict(key: string, ours: number, theirs: number): LockConfigError {
  const problem =
    `Lock ${JSON.stringify(key)} can't be ${describe(ours)}: it is in use as ` +
    `${describe(theirs)}, and all uses of a key must agree.`;
  return new LockConfigError([problem], [key]);
}

function describe(capacity: number): string {
  if (isSemaphore(capacity)) return `a semaphore of ${capacity} permits`;
  return `${capacity === SHARED ? 'a shared' : 'an exclusive'} lock`;
}

function isSemaphore(capacity: number): boolean {
  return capacity !== EXCLUSIVE && capacity !== SHARED;
}
