import type { AcquireReply, PollReply, RenewReply, StoredLock } from '../engine/lock-store.js';
import type { Answer } from './redis-connection.js';
import { ACQUIRED } from './scripts/acquire.script.js';
import { RENEWED } from './scripts/renew.script.js';

/**
 * Decodes the reply of acquire and poll. `ttl` and `count`: the lease and the fencing numbers that
 * were asked for, when none are told.
 */
export function readAcquired(
  { reply, sentAt, resent }: Answer<number[]>,
  ttl: number,
  count = 1,
): AcquireReply | PollReply {
  const [kind, us = 0, yields = -1, a = us - count + 1, b = us, c = 0, d = ttl] = reply;
  // Sent twice, the second time finds what the first has given up: no proof of a loss.
  const yielded = yields < 0 || (yields === 0 && resent) ? {} : { yielded: yields === 1 };
  switch (kind) {
    case ACQUIRED.held:
      return { kind: 'held', sentAt, ...yielded, fences: { next: a, last: b }, queue: c, lease: d };
    case ACQUIRED.busy:
      return { kind: 'busy', sentAt, ...yielded, leaseLeft: leaseLeft(a) };
    case ACQUIRED.queued:
      return { kind: 'queued', sentAt, ...yielded, leaseLeft: leaseLeft(a), rank: b, ticket: c };
    case ACQUIRED.gone:
      return { kind: 'gone', sentAt };
    default:
      return { kind: 'stale', sentAt };
  }
}

/** Decodes the reply of renew. */
export function readRenewed({ reply, sentAt }: Answer<number[]>): RenewReply[] {
  const replies: RenewReply[] = [];
  for (let i = 1; i < reply.length; i += 4) {
    const [outcome, next = 0, last = -1, queue = 0] = reply.slice(i, i + 4);
    if (outcome === RENEWED.held)
      replies.push({ kind: 'held', sentAt, fences: { next, last }, queue });
    else if (outcome === RENEWED.lost) replies.push({ kind: 'lost', sentAt });
    else
      replies.push({
        kind: 'unknown',
        sentAt,
        error: new Error('The renewal reached Redis too late.'),
      });
  }
  return replies;
}

/** Decodes the reply of inspect. */
export function readInspected([holder, left, ...waiting]: readonly (
  string | number
)[]): StoredLock | null {
  if (holder === undefined) return null;
  const waiters = new Map<string, number>();
  for (let i = 0; i < waiting.length; i += 2)
    waiters.set(String(waiting[i]), Number(waiting[i + 1]));
  const token = holder === '~' ? undefined : String(holder);
  return { token, leaseLeft: leaseLeft(Number(left)), waiters };
}

/** PTTL answers -1 for a key that never expires. */
function leaseLeft(pttl: number): number {
  return pttl === -1 ? Infinity : Math.max(0, pttl);
}
