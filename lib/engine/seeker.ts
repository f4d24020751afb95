import type { Clock, Timer } from './clock.js';
import type { LockUnavailableError } from './errors.js';
import { LockConfigError } from './errors.js';
import { deadlineOf, deadlineOfClaim, entryLease } from './lease.js';
import type { HoldTerms } from './hold.js';
import { NotAppliedError } from './lock-store.js';
import type {
  AcquireReply,
  Grant,
  LockStore,
  PollReply,
  QueuePlace,
  ReleaseReply,
} from './lock-store.js';
import type { LockSettings } from './lock-options.js';
import type { Releaser } from './releaser.js';
import { claimOf } from './token.js';
import type { TokenMint } from './token.js';
import type { TokenRegistry } from './token-registry.js';

/** For whom the lock is sought: the callers of one key in this process. */
export interface Demand {
  readonly key: string;
  /** Lease and label of the next caller. */
  readonly ttl: number;
  readonly label: string;
  /** Callers waiting, and whether at least one of them waits when the lock is busy. */
  readonly waiters: number;
  readonly patient: boolean;
  /** Fencing numbers that the callers can use. */
  readonly fences: number;
  won(token: string, ttl: number, terms: HoldTerms, via: 'free' | 'handoff'): void;
  /** Somebody else holds the lock. */
  busy(): void;
  /** Redis failed; it is tried again unless the demand is over. */
  failed(error: LockUnavailableError): void;
  /** It can never work. */
  refused(error: LockConfigError): void;
}

/** A lock of this process that is given up in the same step as its successor gets a place. */
export interface Yield {
  readonly token: string;
  settle(reply: ReleaseReply | LockUnavailableError): void;
}

/** What the seekers of one process share. */
export interface SeekerContext {
  readonly store: LockStore;
  readonly clock: Clock;
  readonly mint: TokenMint;
  readonly releaser: Releaser;
  readonly settings: LockSettings;
  readonly registry: TokenRegistry;
}

const POLL_MS = 2500;
const PER_RANK_MS = 50;
const MAX_PAUSE_MS = 500;
const FIRST_PAUSE_MS = 20;

/** What was last heard of a busy lock: what was left of its lease, and when that was. */
interface Busy {
  readonly leaseLeft: number;
  readonly at: number;
}

/**
 * Seeks the lock of one key for this process: one token, one place in the store's queue, until
 * it is granted or nobody wants it any more. After a failure it tries again with a new token and
 * its old place.
 */
export class Seeker {
  #state: 'asking' | 'queued' | 'pausing' | 'over' = 'pausing';
  #token = '';
  #ttl = 0;
  #ticket: number | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #busy: Busy | undefined;
  /** When the command was sent that has not been answered yet. */
  #pendingSince: number | undefined;
  /** A grant came that can't be started on; the next poll's answer decides. */
  #confirming = false;

  constructor(
    private readonly demand: Demand,
    private readonly context: SeekerContext,
  ) {}

  /** Whether Redis has said that somebody else holds the lock, and the place in the queue is safe. */
  get isQueued(): boolean {
    return this.#state === 'queued';
  }

  /**
   * What is left of the holder's lease, when *busy* is the last thing heard from Redis and no
   * command is overdue; else `undefined`: whether the lock is busy is not known.
   */
  get knownBusyFor(): number | undefined {
    const now = this.context.clock.now();
    if (this.#busy === undefined) return undefined;
    if (
      this.#pendingSince !== undefined &&
      now - this.#pendingSince > this.context.settings.commandTimeout / 4
    ) {
      return undefined;
    }
    return Math.max(0, this.#busy.leaseLeft - (now - this.#busy.at));
  }

  /** Asks for the lock with a new token. */
  ask(yields?: Yield): void {
    const { demand, context } = this;
    this.#stopTimer();
    this.#state = 'asking';
    this.#confirming = false;
    this.#ttl = demand.ttl;
    const fences = demand.fences;
    const token = (this.#token = context.mint.next(claimOf(this.#ttl), fences, demand.label));
    context.registry.watch(token, this);
    const now = (this.#pendingSince = context.clock.now());
    context.store
      .acquire({
        key: demand.key,
        token,
        ttl: this.#ttl,
        until: now + context.settings.commandTimeout,
        fences,
        queue: demand.patient ? { callers: demand.waiters, ticket: this.#ticket } : undefined,
        yields: yields?.token,
      })
      .then(
        (reply) => {
          yields?.settle(reply.yielded === false ? 'not-held' : 'released');
          this.#asked(token, reply);
        },
        (error: LockUnavailableError | LockConfigError) => {
          yields?.settle(error as LockUnavailableError);
          this.#askFailed(token, error);
        },
      );
  }

  /** The lock was handed to `grant.token`. */
  granted(grant: Grant): void {
    if (grant.token !== this.#token || this.#state === 'over') return;
    const claim = claimOf(this.#ttl);
    const now = this.context.clock.now();
    const deadline = grant.expiresAt === undefined ? 0 : deadlineOfClaim(grant.expiresAt, claim);
    if (deadline - now >= entryLease(claim)) {
      this.#win(
        { sentAt: now, lease: claim, deadline, fences: grant.fences, queue: grant.queue },
        'handoff',
      );
      return;
    }
    this.#confirming = true;
    if (this.#state === 'queued' && this.#pendingSince === undefined) this.#poll();
  }

  /** The lock comes free in `inMs` without a release. */
  recheck(inMs: number): void {
    if (this.#state === 'queued') this.#pollIn(inMs + 1);
  }

  /** Asks again at once: the connection is back, or a caller came who takes one try only. */
  hurry(): void {
    if (this.#state === 'pausing') this.ask();
    else if (this.#state === 'queued' && this.#pendingSince === undefined) this.#poll();
  }

  /** Nobody wants the lock any more: gives back the place, the lock or whatever the token has. */
  cancel(): void {
    if (this.#state === 'over') return;
    const live = this.#state !== 'pausing';
    this.#end();
    if (live) this.#discard(this.#token);
  }

  #asked(token: string, reply: AcquireReply): void {
    if (token !== this.#token || this.#state === 'over') {
      // The ghost rule: whatever a token got that nobody here uses any more is given back.
      const got = reply.kind === 'held' || reply.kind === 'queued';
      if (got && !this.context.registry.knows(token)) this.#discard(token);
      return;
    }
    this.#pendingSince = undefined;
    if (reply.kind === 'held')
      this.#held(reply, reply.lease, this.#busy === undefined ? 'free' : 'handoff');
    else if (reply.kind === 'queued') this.#queued(reply);
    else if (reply.kind === 'stale') this.#again();
    else {
      this.#failures = 0;
      this.context.registry.forget(token);
      this.#busy = { leaseLeft: reply.leaseLeft, at: reply.sentAt };
      this.#state = 'pausing';
      this.demand.busy();
      // Somebody who waits has come since this was asked for callers that do not.
      if (this.#state === 'pausing' && this.demand.patient) this.ask();
    }
  }

  #askFailed(token: string, error: LockUnavailableError | LockConfigError): void {
    if (token !== this.#token || this.#state === 'over') return;
    this.context.registry.forget(token);
    this.#pendingSince = undefined;
    if (error instanceof LockConfigError) {
      this.#end();
      this.demand.refused(error);
      return;
    }
    if (!(error instanceof NotAppliedError)) this.#discard(token);
    this.#state = 'pausing';
    this.#fail(error);
    if (this.#state === 'pausing') this.#timer = this.#later(this.#pause(), () => this.ask());
  }

  #poll(): void {
    this.#stopTimer();
    const { demand, context } = this;
    const token = this.#token;
    const now = (this.#pendingSince = context.clock.now());
    context.store
      .poll({
        key: demand.key,
        token,
        until: now + context.settings.commandTimeout,
        callers: demand.waiters,
      })
      .then(
        (reply) => this.#polled(token, reply),
        (error: LockUnavailableError) => {
          if (token !== this.#token || this.#state !== 'queued') return;
          this.#pendingSince = undefined;
          this.#fail(error);
          if (this.#state === 'queued') this.#pollIn(this.#pause());
        },
      );
  }

  #polled(token: string, reply: PollReply): void {
    if (token !== this.#token || this.#state !== 'queued') {
      if (reply.kind === 'held' && !this.context.registry.knows(token)) this.#discard(token);
      return;
    }
    this.#pendingSince = undefined;
    if (reply.kind === 'held') this.#held(reply, reply.lease, 'handoff');
    else if (reply.kind === 'queued') this.#queued(reply);
    else if (reply.kind === 'stale') this.#poll();
    else {
      this.context.registry.forget(token);
      this.ask();
    }
  }

  #held(
    reply: {
      readonly sentAt: number;
      readonly fences: HoldTerms['fences'];
      readonly queue: number;
    },
    lease: number,
    via: 'free' | 'handoff',
  ): void {
    const deadline = deadlineOf(reply.sentAt, lease);
    if (deadline > this.context.clock.now()) {
      this.#win(
        { sentAt: reply.sentAt, lease, deadline, fences: reply.fences, queue: reply.queue },
        via,
      );
    } else {
      // The answer is older than the lease that it tells of.
      this.#discard(this.#token);
      this.#again();
    }
  }

  #queued(place: QueuePlace & { readonly sentAt: number }): void {
    this.#state = 'queued';
    this.#failures = 0;
    this.#ticket = place.ticket;
    this.#busy = { leaseLeft: place.leaseLeft, at: place.sentAt };
    this.demand.busy();
    if (this.#state !== 'queued') return;
    if (this.#confirming) {
      this.#confirming = false;
      this.#poll();
    } else this.#pollIn(place.leaseLeft + place.rank * PER_RANK_MS + 1);
  }

  #win(terms: HoldTerms, via: 'free' | 'handoff'): void {
    this.#end();
    this.demand.won(this.#token, this.#ttl, terms, via);
  }

  #again(): void {
    this.context.registry.forget(this.#token);
    this.#state = 'pausing';
    this.#timer = this.#later(this.#pause(), () => this.ask());
  }

  #fail(error: LockUnavailableError): void {
    this.#failures += 1;
    this.#busy = undefined;
    this.demand.failed(error);
  }

  #pause(): number {
    const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    return longest * (0.5 + this.context.clock.random() / 2);
  }

  #pollIn(ms: number): void {
    this.#stopTimer();
    this.#timer = this.#later(Math.min(POLL_MS, ms), () => this.#poll());
  }

  #later(ms: number, task: () => void): Timer {
    return this.context.clock.after(ms, task, 'observer');
  }

  #end(): void {
    this.#state = 'over';
    this.#pendingSince = undefined;
    this.#stopTimer();
    this.context.registry.forget(this.#token);
  }

  #stopTimer(): void {
    this.context.clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #discard(token: string): void {
    this.context.releaser.discard(this.demand.key, token, this.#ttl);
  }
}
