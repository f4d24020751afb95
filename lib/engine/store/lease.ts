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

/** A request whose answer told Redis' time: sent at `sentAt` (ours), executed at `redisNow` (Redis'). */
export interface TimeSample {
  readonly sentAt: number;
  readonly redisNow: number;
}

const SAMPLE_LIFE_MS = 10_000;

/**
 * Maps Redis' clock to ours by the answered requests of one connection. A request was executed
 * after it was sent, so that a mapped moment is early or exact, never late.
 */
export class RedisTime {
  #sample: TimeSample | undefined;

  /**
   * Keeps the sample that maps latest, which is the tightest; an old one loses 1 % of its age.
   * One that maps a known past moment into the future was taken before Redis' clock stepped.
   */
  observe(sample: TimeSample, now: number): void {
    const mapped = this.#map(sample.redisNow);
    const tighter = mapped !== undefined && mapped > sample.sentAt && mapped <= now;
    const old = this.#sample === undefined || now - this.#sample.sentAt > SAMPLE_LIFE_MS / 2;
    if (old || !tighter) this.#sample = sample;
  }

  /** Forgets everything: the connection is another one. */
  reset(): void {
    this.#sample = undefined;
  }

  /** Our time of Redis' `redisTime`, never late; `undefined` without a fresh sample. */
  toLocal(redisTime: number, now: number): number | undefined {
    const sample = this.#sample;
    if (sample === undefined || now - sample.sentAt > SAMPLE_LIFE_MS) return undefined;
    return this.#map(redisTime);
  }

  /** Redis' time of our `local`, never early; `undefined` before the first answer. */
  toRedis(local: number): number | undefined {
    if (this.#sample === undefined) return undefined;
    return this.#sample.redisNow + (local - this.#sample.sentAt) / DRIFT;
  }

  #map(redisTime: number): number | undefined {
    if (this.#sample === undefined) return undefined;
    return this.#sample.sentAt + (redisTime - this.#sample.redisNow) * DRIFT;
  }
}
