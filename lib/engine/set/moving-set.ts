import type { DetachedLock, DetachedLocks } from '../api/detached-lock.js';
import { LockLostError } from '../api/errors.js';
import { errorOfSet, lostSet } from './set-errors.js';

/** The lock of several keys that goes as a whole. */
interface Whole {
  readonly keys: readonly string[];
  readonly heldMs: number;
}

/**
 * Detaches the locks of all keys; when one can't be, none is: those that are detached are given back.
 *
 * @throws {LockLostError} One of them was lost.
 */
export async function leaveAll(
  members: readonly { leaveHeld(): Promise<DetachedLocks> }[],
  whole: Whole,
  giveBack: (detached: DetachedLock) => void,
): Promise<DetachedLocks> {
  const { keys, heldMs } = whole;
  const { done, failure } = await settled(members.map((member) => member.leaveHeld()));
  const [first, ...others] = done.flat();
  if (failure === undefined && first !== undefined) return [first, ...others];
  for (const each of done.flat()) giveBack(each);
  throw failureOf(failure?.reason, keys, heldMs);
}

/**
 * Attaches the locks of all keys, or none: those that were attached are given back.
 *
 * @throws {LockLostError} One of them is gone.
 */
export async function attachAll<Lock extends { release(): Promise<unknown> }>(
  attaching: readonly Promise<Lock>[],
  keys: readonly string[],
): Promise<readonly Lock[]> {
  const { done, failure } = await settled(attaching);
  if (failure === undefined) return done;
  for (const lock of done) lock.release().catch(() => undefined);
  throw failureOf(failure.reason, keys, 0);
}

function failureOf(error: unknown, keys: readonly string[], heldMs: number): unknown {
  return error instanceof LockLostError
    ? lostSet(keys, heldMs, error)
    : errorOfSet(error, keys, heldMs);
}

async function settled<T>(all: readonly Promise<T>[]): Promise<{
  readonly done: readonly T[];
  readonly failure: PromiseRejectedResult | undefined;
}> {
  const outcomes = await Promise.allSettled(all);
  const done = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  return { done, failure: outcomes.find((each) => each.status === 'rejected') };
}
