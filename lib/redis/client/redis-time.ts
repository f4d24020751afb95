import { DRIFT } from '../../engine/store/lease.js';
import { skewOf, suspendedBetween } from '../../engine/time/clock-skew.js';
import type { Clock } from '../../engine/time/clock.js';

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
  #skew: number;
  /** When it was noticed that the machine was suspended: to Redis more time had passed since a sample of before. */
  #wokeAt = -Infinity;

  constructor(private readonly clock: Clock) {
    this.#skew = skewOf(clock);
  }

  /** The present moment of the clock that is ours. */
  get now(): number {
    return this.clock.now();
  }

  /**
   * Keeps the sample that maps latest, which is the tightest; an old one loses 1 % of its age.
   * One that maps a known past moment into the future was taken before Redis' clock stepped.
   */
  observe(sample: TimeSample, now: number): void {
    this.#lookForSuspend(now);
    const mapped = this.#map(sample.redisNow);
    const tighter = mapped !== undefined && mapped > sample.sentAt && mapped <= now;
    const old = !this.#isFresh(now, SAMPLE_LIFE_MS / 2);
    if (old || !tighter) this.#sample = sample;
  }

  /** Forgets everything: the connection is another one. */
  reset(): void {
    this.#sample = undefined;
  }

  /** Our time of Redis' `redisTime`, never late; `undefined` without a fresh sample. */
  toLocal(redisTime: number, now: number): number | undefined {
    this.#lookForSuspend(now);
    return this.#isFresh(now, SAMPLE_LIFE_MS) ? this.#map(redisTime) : undefined;
  }

  /**
   * Redis' time of our `local`; `undefined` before the first answer. Never early by a sample that is
   * fresh, and late by what a clock may drift in a sample's life, at most: after that it may be early.
   */
  toRedis(local: number): number | undefined {
    if (this.#sample === undefined) return undefined;
    const passed = local - this.#sample.sentAt;
    return this.#sample.redisNow + passed + Math.min(passed, SAMPLE_LIFE_MS) * (1 / DRIFT - 1);
  }

  #lookForSuspend(now: number): void {
    const before = this.#skew;
    this.#skew = skewOf(this.clock);
    if (suspendedBetween(before, this.#skew) > 0) this.#wokeAt = now;
  }

  #isFresh(now: number, life: number): boolean {
    const { sentAt = -Infinity } = this.#sample ?? {};
    return sentAt > this.#wokeAt && now - sentAt <= life;
  }

  #map(redisTime: number): number | undefined {
    if (this.#sample === undefined) return undefined;
    return this.#sample.sentAt + (redisTime - this.#sample.redisNow) * DRIFT;
  }
}

/** An answer that a clock can be read from. */
interface TimedAnswer {
  readonly sentAt: number;
  /** Sent twice: it is not known which one was answered. */
  readonly resent: boolean;
  readonly from: { readonly time: RedisTime };
}

/** After which moment of Redis, in µs, a script must not act. */
export function notAfter(until: number, time: RedisTime): number {
  const redisMs = time.toRedis(until);
  return redisMs === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(redisMs * 1000);
}

/** Learns the server's clock from an answer that told its time in µs. */
export function observe(us: number | undefined, answer: TimedAnswer): void {
  if (us === undefined || answer.resent) return;
  const { time } = answer.from;
  time.observe({ sentAt: answer.sentAt, redisNow: us / 1000 }, time.now);
}
