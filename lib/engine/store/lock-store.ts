import { LockUnavailableError } from '../api/errors.js';
import type { QuorumState } from './lock-health.js';
import type { StoredPlace } from './lock-queue.js';
import type { MoveCommand, MoveReply } from './move.js';
import type { StoredLock } from './stored-lock.js';

/** How long a waiting process counts as alive without a sign of life, in milliseconds. */
export const ALIVE_MS = 15_000;

/**
 * Where locks live. A store makes one attempt for each call and never retries, waits or emits:
 * that exists once, in the engine. `test/contract` holds every store to this contract.
 *
 * Times are milliseconds. `sentAt`, `until` and `expiresAt` are on the engine's own monotonic clock; `sentAt` is
 * read before the command is handed to the network, so that a deadline that is counted from it is never late. Every
 * method may reject with `LockUnavailableError` (unknown what happened), {@link NotAppliedError} or `LockConfigError`
 * (it can never work), and with nothing else.
 */
export interface LockStore {
  /**
   * Takes a lock for `token` that is free, or has room for one of its capacity, unless another process waits for it.
   * A busy lock: with `queue` the token gets a place in the queue, without it nothing is left behind. Idempotent for
   * its token. A capacity that never gets along with that of holders or waiters is a `LockConfigError`.
   */
  acquire(command: AcquireCommand): Promise<AcquireReply>;
  /** Keeps the waiting token's place, and takes the lock when its turn has come but the grant was lost. */
  poll(command: PollCommand): Promise<PollReply>;
  /** Renews leases; one reply for each, in order. */
  renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]>;
  /** Gives back a lock, a place in the queue or an unwanted grant, and hands over to the next waiter. */
  release(command: ReleaseCommand): Promise<ReleaseReply>;
  /** Idempotent for its pair of tokens. Unset: what holds a lock here can't be moved in one step. */
  move?(command: MoveCommand): Promise<MoveReply>;
  /** Takes the lock from all of us that hold it. `false`: nobody, or a holder that is none of ours. */
  revoke(key: string): Promise<boolean>;
  /** `null`: nobody holds it. */
  inspect(key: string): Promise<StoredLock | null>;
  /** Who waits, in order; the first few. For people: an order that changes meanwhile is none. */
  queue?(key: string): Promise<readonly StoredPlace[]>;
  /** Keys under our prefix, page by page, perhaps twice; `match` is a Redis glob over the application's key. */
  keys(match: string): AsyncIterable<readonly string[]>;
  /** A store of several nodes: how many there are, how many must agree, and which do not answer. */
  readonly quorum?: QuorumState;
  /** Sets the one receiver of what comes unasked. */
  listen(listener: StoreListener): void;
  /** Ends connections and timers of its own; commands under way reject. */
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
  /** After this moment the command must not act. */
  readonly until: number;
  /** How many fencing numbers to reserve, at least 1. */
  readonly fences: number;
  /** Wait when busy: with how many local callers, and at which place when one was had before. */
  readonly queue?: { readonly callers: number; readonly ticket?: number | undefined } | undefined;
  /** A token of this process that gives up the lock in the same step: it yields its turn. */
  readonly yields?: string | undefined;
}

/** `yielded`: whether the token that yields still had the lock. */
export type AcquireReply = { readonly sentAt: number; readonly yielded?: boolean } & (
  | {
      readonly kind: 'held';
      readonly lease: number;
      readonly fences: FenceBlock;
      readonly queue: number;
    }
  | ({ readonly kind: 'busy' } & BusyLock)
  | ({ readonly kind: 'queued' } & QueuePlace)
  | PartialHold
  | { readonly kind: 'stale' }
);

/**
 * A store of several nodes: the token's turn has come, and it keeps it, but too few nodes have
 * given it the lock yet. To be polled again; no two at the same moment, or they split the rest.
 */
export interface PartialHold {
  readonly kind: 'partial';
  readonly leaseLeft: number;
}

/** What is told of a lock that somebody else holds. */
export interface BusyLock {
  /** `Infinity` when the holder's key never expires. */
  readonly leaseLeft: number;
  /** The holder's token; `''`: another party's; `undefined`: not known, or nobody while a `minHold` runs on. */
  readonly holder?: string | undefined;
}

/** `rank` 0 is the head. */
export interface QueuePlace extends BusyLock {
  readonly rank: number;
  readonly ticket: number;
  /** When the store would like to be polled, in milliseconds: it doubts that the holder lives. */
  readonly pollIn?: number | undefined;
}

export interface PollCommand {
  readonly key: string;
  readonly token: string;
  readonly until: number;
  readonly callers: number;
}

export type PollReply = { readonly sentAt: number } & (
  | {
      readonly kind: 'held';
      readonly lease: number;
      readonly fences: FenceBlock;
      readonly queue: number;
    }
  | ({ readonly kind: 'queued' } & QueuePlace)
  | PartialHold
  /** The token has no place any more and no lock. */
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
  /** Callers of this process that wait for the lock behind its holder. */
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
  /** Keep the key locked for everybody this much longer (the rest of `minHold`); 0 frees it. */
  readonly minHoldLeft: number;
}

/** `unconfirmed`: not ours any more, but the command may have run twice, so that this is no proof of a loss. */
export type ReleaseReply = 'released' | 'not-held' | 'unconfirmed';

/** The lock was handed to a waiting token. */
export interface Grant {
  readonly key: string;
  readonly token: string;
  readonly fences: FenceBlock;
  /** Processes that wait behind it. */
  readonly queue: number;
  /**
   * When the claim ends, never late; `undefined` when the store can't tell: a push has no age,
   * and a waiter may start on it only by a time base of its own.
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
export interface StoreListener {
  granted(grant: Grant): void;
  /** So many other processes wait for the lock that `token` holds: one began to, or the first has left. */
  wanted(token: string, queue: number): void;
  /** The lock was taken from `token` by an operator. */
  revoked(token: string): void;
  /** The lock that `token` waits for comes free in `inMs` without a release. */
  recheck(token: string, inMs: number): void;
  /** Somebody waits for the lock and sees `token` hold it: its release may have been lost. */
  doubted(token: string, key: string): void;
  /** The store has lost its connection, or failed to get one; `reconnected` ends it. */
  unreachable(trouble: StoreTrouble): void;
  /** Something fails that calls may go on without: a node of several, a subscription, an old server. */
  troubled?(trouble: StoreTrouble): void;
  /** Connected anew, or pushes may have been missed: ask again. */
  reconnected(): void;
}

/** Unavailable, and it is certain that the command changed nothing: not sent, or refused. */
export class NotAppliedError extends LockUnavailableError {
  override readonly name = 'LockUnavailableError';
}
