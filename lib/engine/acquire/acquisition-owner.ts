import type { Clock } from '../time/clock.js';
import type { LockConfigError, LockUnavailableError } from '../api/errors.js';
import type { LeaseTerms } from '../hold/lease-state.js';
import type { HolderEvents } from '../hold/holder-events.js';
import type { LeaseRenewer } from '../hold/lease-renewer.js';
import type { LockEventEmitter } from '../api/lock-events.js';
import type { LockSettings } from '../api/lock-options.js';
import type {
  AcquireReply,
  LockStore,
  QueuePlace,
  ReleaseReply,
  StoreTrouble,
} from '../store/lock-store.js';
import type { ReleaseRetrier } from '../store/release-retrier.js';
import type { TokenMint } from '../store/token.js';
import type { TokenRoutes } from '../store/token-routes.js';

/** For whom a lock is sought: the callers of one key in this process. */
export interface AcquisitionOwner {
  readonly key: string;
  /** Lease and label of the next caller. */
  readonly ttl: number;
  readonly label: string;
  readonly waiters: number;
  /** Whether at least one caller waits when the lock is busy. */
  readonly patient: boolean;
  /** Fencing numbers that the callers can use. */
  readonly fences: number;
  won(token: string, ttl: number, terms: LeaseTerms, via: 'free' | 'handoff'): void;
  /** Somebody else holds the lock. */
  busy(): void;
  /** Redis failed; it is tried again unless the acquisition is over. */
  failed(error: LockUnavailableError): void;
  /** It can never work. */
  refused(error: LockConfigError): void;
}

/** A lock of this process that is given up in the same step as its successor gets a place. */
export interface Yield {
  readonly token: string;
  /** @param reply `undefined`: it is not known what happened. */
  settle(reply: ReleaseReply | undefined): void;
}

/** Tells who yields what became of it; nothing is known without a reply, or when it came too late to act. */
export function settleYield(yields: Yield | undefined, reply?: AcquireReply): void {
  if (reply === undefined || reply.kind === 'stale') yields?.settle(undefined);
  else yields?.settle(reply.yielded === false ? 'not-held' : 'released');
}

/** What all that seek a lock in one process share. */
export interface AcquisitionContext {
  readonly store: LockStore;
  readonly clock: Clock;
  readonly settings: LockSettings;
  readonly mint: TokenMint;
  readonly releaser: ReleaseRetrier;
  readonly routes: TokenRoutes;
  /** Why the store can't be reached at the moment, if so. */
  trouble(): StoreTrouble | undefined;
}

/** Who makes the attempt. The last four end it. */
export interface AttemptOwner {
  readonly callers: AcquisitionOwner;
  /** The lock is busy; the attempt goes on waiting or is turned away next. */
  busy(place: Pick<QueuePlace, 'leaseLeft'> & { readonly sentAt: number }, ticket?: number): void;
  /** A poll failed; the place is kept. */
  troubled(error: LockUnavailableError): void;
  won(attempt: { readonly token: string; readonly ttl: number }, terms: LeaseTerms): void;
  /** Busy, and this attempt was for callers that do not wait. */
  turnedAway(): void;
  /** Nothing came of it: `soon` when its place was lost and it may have another at once. */
  again(soon: boolean): void;
  failed(error: LockUnavailableError | LockConfigError): void;
}

/** What the gates of one process share. */
export interface GateContext extends AcquisitionContext {
  readonly renewer: LeaseRenewer;
  readonly events: LockEventEmitter;
  readonly holderEvents: HolderEvents;
  /** Nothing happens at this key any more. */
  emptied(gate: { readonly key: string }): void;
}

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

/** How long to wait after the n-th failure in a row: doubling from 40 ms to 500 ms, half of it by chance. */
export function backoff(failures: number, clock: Clock): number {
  return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + clock.random() / 2);
}
