import { LockUnavailableError } from '../api/errors.js';
import type { QuorumState } from './lock-health.js';
import type { StoredPlace } from './lock-queue.js';
import type { MoveCommand, MoveReply } from './move.js';
import type { SetStore } from './set-store.js';
import type { StoredLock } from './stored-lock.js';

/** How long a waiting process counts as alive without a sign of life, in milliseconds. */
export const ALIVE_MS = 15_000;

/**
 * Where locks live. To the engine a store makes one attempt for each call: it may wait for a connection, follow a slot
 * of a Cluster, send again what a cut left unanswered, or ask several nodes. Making another attempt, waiting for a busy
 * lock and events exist once, in the engine. `test/contract` holds every store to this; what one lacks is named there.
 *
 * Times are milliseconds, but for tickets. `sentAt`, `until` and `expiresAt` are on the engine's monotonic clock;
 * `sentAt` is read before a command is handed to the network, so that a deadline that is counted from it is never late.
 * Methods reject with `LockUnavailableError` (unknown what happened), {@link NotAppliedError} or `LockConfigError` (it
 * can never work), and with nothing else.
 */
export interface LockStore {
  /**
   * Takes a lock for `token` that is free, or has room for one of its capacity, unless another token waits for it. A
   * busy lock: with `queue` the token gets a place in the queue, without it nothing is left behind unless the reply is
   * `partial`. Harmless when it runs twice for its token. A capacity that never gets along with those that hold the lock
   * or wait (to a quorum any but 1) is a `LockConfigError`.
   */
  acquire(command: AcquireCommand): Promise<AcquireReply>;
  /** Keeps the waiting token's place; takes the lock when its turn has come, whose push was lost or does not suffice. */
  poll(command: PollCommand): Promise<PollReply>;
  /** Renews leases, never to a shorter one; one reply for each, in order. */
  renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]>;
  /** Gives back what the token has: a place, or the lock, which goes to those that wait (with `coexist` not always). */
  release(command: ReleaseCommand): Promise<ReleaseReply>;
  /** Idempotent for its pair of tokens. Unset: what holds a lock here can't be moved in one step. */
  readonly move: ((command: MoveCommand) => Promise<MoveReply>) | undefined;
  /** Takes the lock from all that hold it, or ends a `minHold`. `false`: it is free, or held by one that is none of ours. */
  revoke(key: string): Promise<boolean>;
  /** `null`: nobody holds it, and no `minHold` runs on. */
  inspect(key: string): Promise<StoredLock | null>;
  /** Who waits, in order; the first few. For people: an order that changes meanwhile is none. */
  queue(key: string): Promise<readonly StoredPlace[]>;
  /** Keys that are locked, by us or others, page by page, perhaps twice; `match` is a Redis glob over the application's key. */
  keys(match: string): AsyncIterable<readonly string[]>;
  /** Several locks in one call; unset: not here. */
  readonly sets: SetStore | undefined;
  /** A quorum: how many nodes there are, how many must agree, and which are not expected to answer. */
  readonly quorum?: QuorumState;
  /** Sets the one receiver of what comes unasked. */
  listen(events: StoreEvents): void;
  /** Ends its connections and timers; commands under way reject, and nothing comes unasked any more. */
  close(): Promise<void>;
}

/** A range of fencing numbers that a grant or renewal reserved; `last < next` when there are none. */
export interface FenceBlock {
  readonly next: number;
  readonly last: number;
}

export interface AcquireCommand {
  readonly key: string;
  readonly token: string;
  readonly ttl: number;
  /** After this moment the command must not act, by the store's clock as far as that is known. */
  readonly until: number;
  /** How many fencing numbers to reserve, at least 1. */
  readonly fences: number;
  /** Wait when busy: for how many callers of this process, and with the ticket of an earlier place. */
  readonly queue?: { readonly callers: number; readonly ticket?: number | undefined } | undefined;
  /** A token of this process that gives up the lock in the same step, in a quorum at the node with the queue: it yields its turn. */
  readonly yields?: string | undefined;
}

/** The lock is the token's, with a lease of `lease` ms; `queue` processes wait behind it. */
export interface HeldReply {
  readonly kind: 'held';
  readonly lease: number;
  readonly fences: FenceBlock;
  readonly queue: number;
}

/** `yielded`: whether the token that yields still had the lock; unset: none yields, or it is not known. */
export type AcquireReply = { readonly sentAt: number; readonly yielded?: boolean | undefined } & (
  | HeldReply
  | ({ readonly kind: 'busy' } & BusyLock)
  | ({ readonly kind: 'queued' } & QueuePlace)
  | PartialHold
  | { readonly kind: 'stale' }
);

/** A quorum: its turn has come, and stays, but others have too many nodes, one for `leaseLeft`. Poll again, no two at once. */
export interface PartialHold {
  readonly kind: 'partial';
  readonly leaseLeft: number;
}

/** What is told of a lock that others hold; of several, the one is meant whose lease ends first. */
export interface BusyLock {
  /** `Infinity` when the holder's key never expires. */
  readonly leaseLeft: number;
  /** The holder's token; `''`: another party's; `undefined`: not known, or nobody's while a `minHold` runs on. */
  readonly holder?: string | undefined;
}

/** `rank` 0 is the head. */
export interface QueuePlace extends BusyLock {
  readonly rank: number;
  readonly ticket: number;
  /** How soon the store would like to be polled: it doubts that the holder holds the lock, or that the first in line lives. */
  readonly pollIn?: number | undefined;
}

export interface PollCommand {
  readonly key: string;
  readonly token: string;
  readonly until: number;
  readonly callers: number;
}

export type PollReply = { readonly sentAt: number } & (
  | HeldReply
  | ({ readonly kind: 'queued' } & QueuePlace)
  | PartialHold
  /** The token has no lock, and no place any more that counts; what is left of one is given back. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'stale' }
);

export interface RenewCommand {
  readonly key: string;
  readonly token: string;
  readonly ttl: number;
  readonly until: number;
  /** How many more fencing numbers to reserve; 0 for none. */
  readonly fences: number;
  /** Callers of this process that wait behind the holder and stand for no place in the queue. */
  readonly callers: number;
}

export type RenewReply = { readonly sentAt: number } & (
  | { readonly kind: 'held'; readonly fences: FenceBlock; readonly queue: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unknown'; readonly error: Error }
);

export interface ReleaseCommand {
  readonly key: string;
  readonly token: string;
  /** Keep the token's place at the lock taken by nobody this much longer (the rest of `minHold`); 0 frees it. */
  readonly minHoldLeft: number;
}

/** `unconfirmed`: not ours any more, but it may have been given up by this very token before, so that this is no proof of a loss. */
export type ReleaseReply = 'released' | 'not-held' | 'unconfirmed';

/** The lock was handed to a waiting token; in a quorum, its turn has come. */
export interface Grant {
  readonly key: string;
  readonly token: string;
  readonly fences: FenceBlock;
  /** Tokens that wait behind it. */
  readonly queue: number;
  /**
   * When the claim ends, never late; `undefined` when a waiter must not start on the push alone: its age
   * is not known, or other servers have to agree. Then it polls.
   */
  readonly expiresAt: number | undefined;
}

/** Why a store can't be reached. */
export interface StoreTrouble {
  /** The Redis nodes that failed, as `host:port`. */
  readonly nodes: readonly string[];
  readonly cause: Error | undefined;
}

/** What comes from a store unasked. */
export interface StoreEvents {
  granted(grant: Grant): void;
  /** So many tokens wait for the lock that `token` holds or is granted: one began to, or the first has left. */
  wanted(token: string, queue: number): void;
  /** The lock was taken from `token` by an operator. */
  revoked(token: string): void;
  /** The lock that `token` waits for comes free in `inMs` without a release; 0: something may have been missed. */
  recheck(token: string, inMs: number): void;
  /** Somebody waits for the lock and sees `token` hold it: its release may have been lost. */
  doubted(token: string, key: string): void;
  /** No command can be sent: the connection is lost, or was not made; `reconnected` ends it. Never of a quorum. */
  unreachable(trouble: StoreTrouble): void;
  /** Something fails that calls may go on without: a node of several, a subscription, an old server. */
  troubled?(trouble: StoreTrouble): void;
  /** Connected anew, or pushes may have been missed: ask again. */
  reconnected(): void;
}

/** Unavailable, and nothing of the command is left to clean up: it was not sent, was refused, or the store takes it back itself. */
export class NotAppliedError extends LockUnavailableError {
  override readonly name = 'LockUnavailableError';
}
