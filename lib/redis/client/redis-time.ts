import type { RedisTime } from '../../engine/store/lease.js';
import type { Answer } from './redis-connection.js';

/** After which moment of Redis, in µs, a script must not act. */
export function notAfter(until: number, time: RedisTime): number {
  const redisMs = time.toRedis(until);
  return redisMs === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(redisMs * 1000);
}

/** Learns the server's clock from an answer that told its time in µs. */
export function observe(us: number | undefined, { sentAt, resent, from }: Answer<unknown>): void {
  if (us !== undefined && !resent)
    from.time.observe({ sentAt, redisNow: us / 1000 }, performance.now());
}
