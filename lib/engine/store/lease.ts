/**
 * The arithmetic of leases. A deadline is counted from the moment its command was *sent*, on a
 * monotonic clock: Redis can only have started the lease later. The factor covers clocks that
 * run at different speeds, the margin what lies between reading a clock and acting on it.
 */

/** How much faster than ours Redis' clock may run. */
export const DRIFT = 0.99;
const MARGIN_MS = 50;
const MARGIN_SHARE = 0.05;

/** Taken off every lease: 50 ms, or 5 % of a lease below one second. */
function margin(lease: number): number {
  return Math.min(MARGIN_MS, lease * MARGIN_SHARE);
}

/** Until when a lease of `lease` ms, whose command was sent at `sentAt`, can be relied on. */
export function deadlineOf(sentAt: number, lease: number): number {
  return sentAt + lease * DRIFT - margin(lease);
}

/** An unanswered command is overdue after this share of the command timeout. */
const OVERDUE_SHARE = 1 / 4;

/** Whether the command that was sent at `pendingSince` has no answer for so long that Redis may not answer at all. */
export function isOverdue(
  pendingSince: number | undefined,
  commandTimeout: number,
  now: number,
): boolean {
  return pendingSince !== undefined && now - pendingSince > commandTimeout * OVERDUE_SHARE;
}

/** The least lease with which a waiter enters. */
export function entryLease(claim: number): number {
  return 0.9 * claim;
}

/**
 * Until when a waiter can rely on the claim of a grant that was pushed to it; `undefined` when too
 * little of it is left to start on, or nobody knows how much.
 *
 * @param expiresAt The claim's end, mapped to our clock and never late.
 */
export function claimDeadline(
  expiresAt: number | undefined,
  claim: number,
  now: number,
): number | undefined {
  if (expiresAt === undefined) return undefined;
  const deadline = expiresAt - margin(claim);
  return deadline - now >= entryLease(claim) ? deadline : undefined;
}

/** When to renew: a third into the lease, which leaves two thirds to repeat it. */
export function renewalAt(sentAt: number, lease: number): number {
  return sentAt + lease / 3;
}

/** How long after a failed renewal to repeat it. */
export function renewalRetry(ttl: number): number {
  return Math.max(ttl / 15, Math.min(250, ttl / 6));
}
