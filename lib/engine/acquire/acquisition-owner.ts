import type { LockConfigError, LockUnavailableError } from '../api/errors.js';
import type { LockSettings } from '../api/lock-options.js';
import type { LeaseTerms } from '../store/lease-terms.js';
import type { BusyLock, LockStore } from '../store/lock-store.js';
import type { ReleaseRetrier } from '../store/release-retrier.js';
import type { TokenRoutes } from '../store/token-routes.js';
import type { TokenMint } from '../store/token.js';
import type { Clock } from '../time/clock.js';

/** For whom a lock is sought: the callers of one key in this process. */
export interface AcquisitionOwner<Acquisition = unknown> {
  readonly key: string;
  /** How many may hold the key beside each other. */
  readonly capacity: number;
  /** Lease of the next caller. */
  readonly ttl: number;
  /** Label of the caller that the token sought last is for. */
  readonly label: string;
  readonly waiters: number;
  /** Whether at least one caller waits when the lock is busy. */
  readonly patient: boolean;
  /** Fencing numbers that the callers can use. */
  readonly fences: number;
  won(
    from: Acquisition,
    grant: { readonly token: string; readonly ttl: number; readonly terms: LeaseTerms },
    via: 'free' | 'handoff',
  ): void;
  /** Somebody else holds the lock. */
  busy(): void;
  /** Redis failed; it is tried again unless the acquisition is over. */
  failed(error: LockUnavailableError): void;
  /** It can never work. */
  refused(from: Acquisition, error: LockConfigError): void;
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
  outage(keys: readonly string[]): LockUnavailableError | undefined;
}

/** Who makes the attempt. The last five end it. */
export interface AttemptOwner {
  readonly callers: AcquisitionOwner;
  /** Whether the attempt before made way, and the same is to be expected. */
  readonly hasMadeWay: boolean;
  /** The lock is busy; the attempt goes on waiting or is turned away next. */
  busy(place: BusyLock & { readonly sentAt: number }, ticket?: number): void;
  /** A poll failed; the place is kept. */
  troubled(error: LockUnavailableError): void;
  won(attempt: { readonly token: string; readonly ttl: number }, terms: LeaseTerms): void;
  /** Busy, and this attempt was for callers that do not wait. */
  turnedAway(): void;
  /** Nothing came of it: `soon` when its place was lost and it may have another at once. */
  again(soon: boolean): void;
  /** Its turn had come, but others kept the rest of the nodes. */
  makeWay(): void;
  failed(error: LockUnavailableError | LockConfigError): void;
}
