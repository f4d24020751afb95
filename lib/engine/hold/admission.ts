import { callersAToken } from '../api/capacity.js';
import type { Via } from '../api/lock-events.js';
import type { LockRequest } from '../api/lock-options.js';
import type { CallerQueue } from '../queue/caller-queue.js';
import { entryLease } from '../store/lease.js';
import { capacityIn, claimOf } from '../store/token.js';
import { atMost } from '../time/at-most.js';
import { CallerLock } from './caller-lock.js';
import { FetchAhead } from './fetch-ahead.js';
import { MOST_FENCES, mustRenewFirst } from './handoff-policy.js';
import type { LeaseCallers } from './lease-callers.js';
import type { LeaseExit } from './lease-exit.js';
import type { LeaseState } from './lease-state.js';
import type { LockHome } from './lock-home.js';
import type { TenureContext } from './tenure-context.js';

/** How long fencing numbers that were asked for already are waited for, in milliseconds. */
const MOMENT_MS = 20;

/** What callers are let in by, and to. */
export interface AdmissionParts {
  readonly hold: LeaseState;
  /** The callers in line. */
  readonly callers: CallerQueue<CallerLock>;
  /** Those that are in. */
  readonly holders: LeaseCallers;
  readonly exit: LeaseExit;
  readonly home: LockHome<CallerLock>;
  /** What a gate hears of it. */
  readonly owner: { held(): void; changed(): void };
}

/** Lets callers in by one lease: one after another, or any number at once, as its token's capacity says. */
export class Admission {
  /** Whether any number of callers may be in at once. */
  readonly isShared: boolean;
  readonly #ahead: FetchAhead;
  #isRenewing = false;
  /** Its lease could not be confirmed for the next: it lets nobody else in. */
  #isClosed = false;

  constructor(
    private readonly parts: AdmissionParts,
    private readonly context: TenureContext,
  ) {
    const { hold, callers } = parts;
    const { renewer, settings } = context;
    this.isShared = callersAToken(capacityIn(hold.token)) > 1;
    this.#ahead = new FetchAhead(hold, callers, renewer, settings.localHandoffs, this.isShared);
  }

  /** Whether the callers in line may hope for this lease: nobody waits before them. */
  get serves(): boolean {
    return !this.isShared || (!this.#isClosed && this.parts.hold.contendedSince === undefined);
  }

  /** Whether callers enter beside those that are in. */
  get isOpen(): boolean {
    return this.isShared && this.serves;
  }

  /** Lets the next callers in; gives the lock back when there are none and nobody is in. */
  offer(via: Via, now: number): void {
    const { callers, hold } = this.parts;
    if (via === 'local') this.context.renewer.checkClocks(now);
    let how = via;
    for (;;) {
      const next = callers.first;
      if (next === undefined || this.#isRenewing) break;
      if (this.#isOutrun || mustRenewFirst(hold, next, how, now))
        return void this.#renewThenOffer(next, how);
      this.#enter(how, now);
      if (!this.isOpen) break;
      how = 'local';
    }
    if (!this.#isRenewing) this.#giveBackUnused();
  }

  /** A caller joined the queue: the lock will pass on inside this process. */
  fetchAhead(now: number): void {
    this.#ahead.run(now);
  }

  /** Lets this caller in. */
  admit(request: LockRequest, now: number): CallerLock {
    const { hold, holders, home } = this.parts;
    this.#serve(request, holders.size > 0);
    const lock = new CallerLock(hold, hold.takeFence(), request, home, now);
    holders.add(lock);
    return lock;
  }

  /** A caller goes on by another request, with a lease as if it entered anew; `false`: Redis did not confirm it. */
  async settle(request: LockRequest): Promise<boolean> {
    const { hold, holders } = this.parts;
    const { renewer, clock } = this.context;
    this.#serve(request, holders.size > 1);
    const now = clock.now();
    renewer.checkClocks(now);
    const left = hold.deadline - now;
    if (request.renew && left >= entryLease(claimOf(request.ttl))) return true;
    return (await renewer.renewNow(hold)) === 'held';
  }

  #serve(request: LockRequest, beside: boolean): void {
    const { hold } = this.parts;
    if (hold.serve(request, beside)) this.context.renewer.keep(hold);
  }

  #enter(via: Via, now: number): void {
    const { callers, hold, owner } = this.parts;
    const waiter = callers.take(now);
    if (waiter === undefined) return;
    const lock = this.admit(waiter.request, now);
    if (via === 'local' && hold.contendedSince !== undefined) hold.passes += 1;
    this.context.holderEvents.acquired(lock, waiter, via);
    waiter.resolve(lock);
    // A caller that takes one try and joined while it was not known whether the lock is free has had it.
    if (via !== 'local') owner.held();
    this.fetchAhead(now);
  }

  /**
   * Readers of other processes may have come before the first in line, with larger numbers than those that were
   * reserved here before it came.
   */
  get #isOutrun(): boolean {
    return this.isShared && this.parts.callers.firstAt > this.parts.hold.mintedAt;
  }

  async #renewThenOffer(next: LockRequest, via: Via): Promise<void> {
    const { callers, hold, holders, exit } = this.parts;
    const { fencesUnderway } = this.#ahead;
    if (hold.fencesLeft === 0 && fencesUnderway !== undefined) {
      // Mostly they are all that is missing; where the answer is late, or lost, they are asked for once more.
      this.#isRenewing = true;
      await atMost(MOMENT_MS, fencesUnderway, this.context.clock);
      this.#isRenewing = false;
      if (exit.over) return;
      const isOther = callers.first !== next;
      if (hold.fencesLeft > 0 || isOther) return this.offer(via, this.context.clock.now());
    }
    hold.ttl = holders.size === 0 ? next.ttl : Math.max(next.ttl, hold.ttl);
    hold.fencesWanted = this.isShared ? Math.min(callers.size, MOST_FENCES) : this.#ahead.fences;
    const askedAt = this.context.clock.now();
    this.#isRenewing = true;
    const outcome = await this.context.renewer.renewNow(hold);
    this.#isRenewing = false;
    if (exit.over) return;
    const now = this.context.clock.now();
    const isNumbered = hold.fencesLeft > 0 && (!this.isShared || hold.mintedAt >= askedAt);
    if (outcome !== 'held' || !isNumbered) return this.#close();
    const isReady = callers.first === next && hold.deadline > now && !this.#isOutrun;
    if (isReady) this.#enter(via, now);
    if (!isReady || this.isOpen) this.offer(isReady ? 'local' : via, now);
  }

  /** It can't be given to the next: they look for another one. */
  #close(): void {
    this.#isClosed = true;
    if (this.parts.holders.size > 0) this.parts.owner.changed();
    else this.#giveBackUnused();
  }

  #giveBackUnused(): void {
    const { holders, exit } = this.parts;
    if (holders.size === 0) void exit.giveBack(0).catch(() => undefined);
  }
}
