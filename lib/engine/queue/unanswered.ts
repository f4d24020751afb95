import { LockUnavailableError } from '../api/errors.js';

/**
 * What a call is told for which Redis gave no answer in time.
 *
 * @param failure The last failure that is known.
 */
export function unanswered(
  keys: readonly string[],
  waitedMs: number,
  failure: LockUnavailableError | undefined,
): LockUnavailableError {
  const why = failure === undefined ? '.' : `: ${failure.reason}`;
  const reason = `Redis gave no usable answer within ${Math.round(waitedMs)} ms${why}`;
  return new LockUnavailableError(keys, reason, failure?.cause, failure?.nodes);
}
