import type { DetachedLock, DetachedLocks } from '../api/detached-lock.js';
import { LockLostError } from '../api/errors.js';
import { errorOfSet, lostSet } from './set-errors.js';

/** The lock of several keys that goes as a whole. */
interface Whole {
  readonly keys: readonly string[];
  readonly heldMs: number;
}

/** A lock that came by a ticket. */
interface AttachedMember {
  release(): Promise<unknown>;
  /** @param token That of the ticket. */
  leaveHeld(token: string): Promise<unknown>;
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
  const { done, failures } = await settled(members.map((member) => member.leaveHeld()));
  const [first, ...others] = done.flat();
  if (failures.length === 0 && first !== undefined) return [first, ...others];
  for (const each of done.flat()) giveBack(each);
  throw failureOf(failures[0], keys, heldMs);
}

/** One lock of several that are attached together: by what it is held, and what becomes of that. */
export interface Attaching<Lock> {
  readonly detached: DetachedLock;
  readonly asked: Promise<Lock>;
}

/**
 * Attaches the locks of all keys, or none. When one of them is gone the others are given back; else what was
 * attached is the ticket's again, which is as good as before.
 *
 * @throws {LockLostError} One of them is gone.
 */
export async function attachAll<Lock extends AttachedMember>(
  attaching: readonly Attaching<Lock>[],
  keys: readonly string[],
  giveBack: (detached: DetachedLock) => void,
): Promise<readonly Lock[]> {
  const { done, failures } = await settled(attaching.map(({ asked }) => asked));
  const [failure] = failures;
  if (failure === undefined) return done;
  const giveAllBack = (): void => attaching.forEach(({ detached }) => giveBack(detached));
  const lost = failures.find((error) => error instanceof LockLostError);
  if (lost !== undefined) {
    for (const lock of done) lock.release().catch(() => undefined);
    giveAllBack();
  } else {
    const puttingBack = attaching.map(async ({ detached: { token }, asked }) => {
      const lock = await asked.catch(() => undefined);
      await lock?.leaveHeld(token);
    });
    Promise.all(puttingBack).catch(giveAllBack);
  }
  throw failureOf(lost ?? failure, keys, 0);
}

function failureOf(error: unknown, keys: readonly string[], heldMs: number): unknown {
  return error instanceof LockLostError
    ? lostSet(keys, heldMs, error)
    : errorOfSet(error, { keys, waitedMs: heldMs });
}

async function settled<T>(all: readonly Promise<T>[]): Promise<{
  readonly done: readonly T[];
  readonly failures: readonly unknown[];
}> {
  const outcomes = await Promise.allSettled(all);
  const done = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  return { done, failures };
}
