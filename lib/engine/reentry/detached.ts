import { LockConfigError } from '../api/errors.js';

/** A lock that was re-entered is of two: it can't be taken from the one for the other. */
function refusal(keys: readonly string[], why: string): LockConfigError {
  const names = keys.map((key) => JSON.stringify(key)).join(', ');
  return new LockConfigError([`Lock ${names} can't be detached: ${why}`], keys);
}

/** Refuses to detach what a call inside still holds. */
export function innerHolds(keys: readonly string[]): LockConfigError {
  return refusal(keys, 'a call that re-entered it has not released it yet. Detach it after that.');
}

/** Refuses to detach what the code around holds. */
export function outerHolds(keys: readonly string[]): LockConfigError {
  return refusal(keys, 'this call re-entered it, and the code around holds it. Detach it there.');
}

/** What the release of a lock answers that was detached before. */
export function outcomeOf(detached: Promise<unknown>): Promise<'released' | 'lost'> {
  return detached.then(
    () => 'released',
    () => 'lost',
  );
}
