import { EXCLUSIVE, kindConflict } from '../../engine/api/capacity.js';
import type {
  AcquireCommand,
  AcquireReply,
  PollReply,
  RenewReply,
} from '../../engine/store/lock-store.js';
import type { SetCommand, SetReply } from '../../engine/store/set-store.js';
import type { StoredLock } from '../../engine/store/stored-lock.js';
import { bootOf, capacityIn } from '../../engine/store/token.js';
import type { Answer } from '../client/redis-connection.js';
import { ACQUIRED } from './acquire.script.js';
import { MARKER, NOBODY } from './define-script.js';
import { RENEWED } from './renew.script.js';
import { SIGN_UNIT } from './shared.script.js';

/** What acquire and poll reply for one lock; poll never replies the bare *held*, nor an error. */
type Outcome = typeof ACQUIRED.held | OutcomeFields | Error;
/** Numbers, and the holder of a busy lock. */
type OutcomeFields = readonly (number | string)[];
/** Redis' time in µs, the last fence, and outcomes; the time alone: too late. */
export type AcquiredReply = readonly [us: number, lastFence?: number, ...outcomes: Outcome[]];
/** Redis' time in µs, and the outcome for a lock, or for a set; the time alone: too late. */
export type PolledReply = readonly [us: number, outcome?: OutcomeFields];

/** Decodes the reply of acquire. */
export function readAcquired(
  answer: Answer<AcquiredReply>,
  commands: readonly AcquireCommand[],
): (AcquireReply | Error)[] {
  const { reply, sentAt } = answer;
  const last = reply[1];
  if (last === undefined) return commands.map(() => ({ kind: 'stale', sentAt }));
  let next = last + 1;
  for (const [i, { fences }] of commands.entries())
    if (reply[i + 2] === ACQUIRED.held) next -= fences;
  return commands.map(({ key, token, ttl, fences: count }, i) => {
    const outcome = reply[i + 2] as Outcome;
    if (outcome === ACQUIRED.held) {
      const fences = { next, last: next + count - 1 };
      next += count;
      return { kind: 'held', sentAt, fences, queue: 0, lease: ttl };
    }
    if (!isList(outcome)) return answer.from.refusal(key, outcome);
    if (outcome[0] === ACQUIRED.conflict)
      return kindConflict(key, capacityIn(token), Number(outcome[2] ?? EXCLUSIVE));
    return readOutcome(outcome, answer, ttl) as AcquireReply;
  });
}

/** Decodes the reply of poll. */
export function readPolled(answer: Answer<PolledReply>): PollReply {
  const [, outcome] = answer.reply;
  if (outcome === undefined) return { kind: 'stale', sentAt: answer.sentAt };
  return readOutcome(outcome, answer, 0) as PollReply;
}

/** Whether a reply of acquire or poll gives a lock. */
export function grantsLock(reply: unknown): boolean {
  const [, ...rest] = reply as AcquiredReply | PolledReply;
  return rest.some((one) => one === ACQUIRED.held || (isList(one) && one[0] === ACQUIRED.held));
}

/** @param ttl The lease that was asked for, when none is told. */
function readOutcome(
  outcome: OutcomeFields,
  { sentAt, resent }: Answer<unknown>,
  ttl: number,
): AcquireReply | PollReply {
  const [kind, yields = -1, a = 0, b = 0, c = 0, d = ttl, pollIn] = outcome as readonly number[];
  // Sent twice, the second time finds what the first has given up: no proof of a loss.
  const isKnown = yields >= 0 && !(yields === 0 && resent);
  const yielded = isKnown ? yields === 1 : undefined;
  switch (kind) {
    case ACQUIRED.held:
      return { kind: 'held', sentAt, yielded, fences: { next: a, last: b }, queue: c, lease: d };
    case ACQUIRED.busy:
      return { kind: 'busy', sentAt, yielded, leaseLeft: leaseLeft(a), holder: shown(outcome[3]) };
    case ACQUIRED.queued:
      return {
        kind: 'queued',
        sentAt,
        yielded,
        leaseLeft: leaseLeft(a),
        rank: b,
        ticket: c,
        holder: shown(outcome[5]),
        pollIn,
      };
    default:
      return { kind: 'gone', sentAt };
  }
}

function isList(outcome: unknown): outcome is OutcomeFields {
  return Array.isArray(outcome);
}

/** Of whom a reply says that it holds the lock. */
function shown(holder: number | string | undefined): string | undefined {
  return holder === undefined || holder === NOBODY ? undefined : String(holder);
}

/** Decodes the reply of acquire-set. */
export function readAcquiredSet(
  { reply, sentAt }: Answer<PolledReply>,
  locks: SetCommand['locks'],
): SetReply | Error {
  const [, outcome] = reply;
  if (outcome === undefined) return { kind: 'stale', sentAt };
  const [kind, a = 0, left = 0, holder] = outcome;
  if (kind === ACQUIRED.held) return { kind: 'held', sentAt, fence: Number(a) };
  const { key, token } = locks[Number(a)] ?? { key: '', token: '' };
  if (kind === ACQUIRED.conflict) return kindConflict(key, capacityIn(token), Number(left));
  return { kind: 'busy', sentAt, key, leaseLeft: leaseLeft(Number(left)), holder: shown(holder) };
}

/** Redis' time in µs, then what became of each lease. */
export type RenewedReply = readonly [us: number, ...outcomes: (number | readonly number[])[]];

const NO_FENCES = { next: 0, last: -1 };

/** Decodes the reply of renew. */
export function readRenewed({ reply, sentAt }: Answer<RenewedReply>): RenewReply[] {
  const [, ...outcomes] = reply;
  // One for the many locks that nobody waits for.
  const free: RenewReply = { kind: 'held', sentAt, fences: NO_FENCES, queue: 0 };
  return outcomes.map((outcome) => {
    if (outcome === 0) return free;
    if (outcome === RENEWED.lost) return { kind: 'lost', sentAt };
    if (outcome === RENEWED.stale) {
      const error = new Error('The renewal reached Redis too late.');
      return { kind: 'unknown', sentAt, error };
    }
    if (typeof outcome === 'number')
      return { kind: 'held', sentAt, fences: NO_FENCES, queue: outcome };
    const [queue = 0, next = 0, last = -1] = outcome;
    return { kind: 'held', sentAt, fences: { next, last }, queue };
  });
}

/** What a lock's key says, its lease, who holds it beside each other, who waits, and Redis' time in ms. */
export type InspectedReply =
  | readonly []
  | readonly [
      value: string,
      left: number,
      beside: readonly string[],
      waiting: readonly string[],
      now: number,
    ];

/** Decodes the reply of inspect. */
export function readInspected(reply: InspectedReply): StoredLock | null {
  const [value, left = 0, beside = [], waiting = [], now = 0] = reply;
  if (value === undefined) return null;
  const waiters = new Map<string, number>();
  for (const [token, sign] of pairs(waiting))
    waiters.set(bootOf(token), (waiters.get(bootOf(token)) ?? 0) + (sign % SIGN_UNIT));
  const leased = { leaseLeft: leaseLeft(left), waiters };
  if (value.startsWith(MARKER)) {
    const holders = pairs(beside).map(([token, until]) => ({ token, leaseLeft: until - now }));
    const several = { capacity: Number(value.slice(MARKER.length)), holders };
    return { ...leased, token: undefined, several };
  }
  return { ...leased, token: value === NOBODY ? undefined : value };
}

function pairs(flat: readonly string[]): [member: string, score: number][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [
    flat[2 * i] as string,
    Number(flat[2 * i + 1]),
  ]);
}

/** PTTL answers -1 for a key that never expires. */
function leaseLeft(pttl: number): number {
  return pttl === -1 ? Infinity : Math.max(0, pttl);
}
