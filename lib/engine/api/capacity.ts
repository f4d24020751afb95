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

/** How many of its callers a process lets hold the lock by one token. */
export function callersAToken(capacity: number): number {
  return capacity === SHARED ? Infinity : 1;
}

/** How many tokens a process needs for all of its callers, at most. */
export function tokensAProcess(capacity: number): number {
  return capacity === SHARED ? 1 : capacity;
}

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

/**
 * Refuses a call that can't re-enter a lock that its own context holds. Who holds it alone may let others
 * think it is shared; the other way round it would wait for itself, and two such calls for each other.
 *
 * @param inner The capacity that the call asks for.
 * @throws {LockConfigError} It asks for less company than the holder, or for other permits.
 */
export function checkReentry(
  { key, capacity }: { readonly key: string; readonly capacity: number },
  inner: number,
): void {
  if (!areCompatible(capacity, inner)) throw kindConflict(key, inner, capacity);
  if (inner >= capacity) return;
  const problem =
    `Lock ${JSON.stringify(key)} is held shared by the calling context, and can't be made exclusive ` +
    'inside: the call would wait for itself. Take it exclusively from the start.';
  throw new LockConfigError([problem], [key]);
}

function describe(capacity: number): string {
  if (isSemaphore(capacity)) return `a semaphore of ${capacity} permits`;
  return `${capacity === SHARED ? 'a shared' : 'an exclusive'} lock`;
}

function isSemaphore(capacity: number): boolean {
  return capacity !== EXCLUSIVE && capacity !== SHARED;
}
