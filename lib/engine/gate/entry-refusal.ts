import type { LockError } from '../api/errors.js';
import type { LockRequest, LockSettings } from '../api/lock-options.js';
import type { Reception } from '../api/reception.js';
import type { CallerLock } from '../hold/caller-lock.js';
import type { CallerQueue } from '../queue/caller-queue.js';
import type { GateTokens } from './gate-tokens.js';

/** A caller that takes one try is told *busy* without a question when Redis said so this long ago at most. */
const FRESH_MS = 1000;

/** Turns a call away that waits nowhere. */
export function turnAway(
  { observed }: LockRequest,
  reason: unknown,
  to: Reception<never, unknown>,
): Promise<never> {
  observed?.refused(reason);
  return Promise.reject(to.failed(reason));
}

/**
 * Why a call is turned away before it joins the line; `undefined`: it may.
 *
 * @param busy Whether it would have to wait.
 */
export function refusalOf(
  request: LockRequest,
  busy: boolean,
  callers: CallerQueue<CallerLock>,
  tokens: GateTokens,
  { maxWaiters }: LockSettings,
): LockError | undefined {
  const size = tokens.acquisitions.length;
  if (busy && request.wait === 0) {
    const busyFor = tokens.known?.busyFor(FRESH_MS);
    if (busyFor !== undefined) return callers.timedOut(request, 0, busyFor);
  }
  const waits = busy || (callers.size > 0 && tokens.room <= size);
  if (!waits || request.wait === 0 || callers.size < maxWaiters) return undefined;
  // Those for whom a lock that may be free is asked do not wait yet; fewer than none: nor does this one.
  const waiting = callers.waiting - tokens.promised;
  return waiting < maxWaiters ? undefined : callers.full(waiting);
}
