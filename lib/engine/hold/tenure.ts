import { type LockLostError, LockUnavailableError } from '../api/errors.js';
import type { Via } from '../api/lock-events.js';
import type { LockRequest } from '../api/lock-options.js';
import type { CallerQueue } from '../queue/caller-queue.js';
import type { LeaseTerms } from '../store/lease-terms.js';
import type { ReleaseReply } from '../store/lock-store.js';
import type { Yield } from '../store/yield.js';
import { BusyCheck } from './busy-check.js';
import { CallerLock, type LockHome } from './caller-lock.js';
import { FetchAhead } from './fetch-ahead.js';
import { mustRenewFirst, mustYield } from './handoff-policy.js';
import type { RenewalOutcome } from './lease-renewer.js';
import { type LeaseOwner, LeaseState } from './lease-state.js';
import type { TenureContext } from './tenure-context.js';

/**
 * The time for which this process has the lock of one key: from the grant, through the hands of
 * any number of its callers, until it is given back, yielded to another process, or lost.
 */
export class Tenure implements LeaseOwner, LockHome {
  readonly #hold: LeaseState;
  #lock: CallerLock | undefined;
  #over = false;
  readonly #check: BusyCheck;
  readonly #ahead: FetchAhead;

  /** @param ended Called once, after what ends the tenure is on its way to the store. */
  constructor(
    readonly context: TenureContext,
    private readonly callers: CallerQueue<CallerLock>,
    private readonly ended: (yields?: Yield) => void,
    grant: {
      readonly key: string;
      readonly token: string;
      readonly ttl: number;
      readonly terms: LeaseTerms;
    },
  ) {
    this.#hold = new LeaseState(grant.key, grant.token, this, grant.ttl, grant.terms);
    const { renewer, settings } = context;
    this.#ahead = new FetchAhead(this.#hold, callers, renewer, settings.localHandoffs);
    this.#check = new BusyCheck(this.#hold, callers, renewer, context.clock);
    context.routes.watch(grant.token, this);
    renewer.keep(this.#hold);
  }

  get waiters(): number {
    return this.callers.size;
  }

  /**
   * What is left of the lease; `undefined` while Redis does not confirm it.
   *
   * @param maxAge How long ago Redis may have confirmed it last, in milliseconds.
   */
  busyFor(maxAge = Infinity): number | undefined {
    return this.#hold.confirmedLeft(
      this.context.clock.now(),
      this.context.settings.commandTimeout,
      maxAge,
    );
  }

  /** The store can't be reached: whether the lock is still ours is not known. */
  doubt(): void {
    this.#hold.troubled = true;
  }

  /** A caller that takes one try joined, and it was not known for certain that the lock is busy. */
  makeSure(): void {
    void this.#check.run();
  }

  /** Gives the lock to the next caller, or back when there is none. */
  offer(via: Via, now = this.context.clock.now()): void {
    const next = this.callers.first;
    if (next === undefined) {
      void this.#giveBack(0).catch(() => undefined);
    } else if (mustRenewFirst(this.#hold, next, via, now)) {
      void this.#renewThenOffer(next, via);
    } else this.#enter(via, now);
  }

  /** A caller joined the queue: the lock will pass on inside this process. */
  fetchAhead(now = this.context.clock.now()): void {
    this.#ahead.run(now);
  }

  /** Another process began to wait. */
  wanted(queue: number): void {
    this.#hold.heard(queue, this.context.clock.now());
  }

  /** An operator took the lock. */
  revoked(): void {
    this.lost(this.#hold, 'an operator released it by force.', false);
  }

  /** The caller has to go: the lock counts as lost and is released. */
  evict(why: string): void {
    this.lost(this.#hold, why, true);
  }

  leave(lock: CallerLock, now: number): Promise<'released' | 'lost'> {
    const { holderEvents, settings } = this.context;
    const { minHoldLeft } = lock;
    this.#lock = undefined;
    if (minHoldLeft > 0 || this.callers.size === 0)
      return holderEvents.releasing(lock, this.#giveBack(minHoldLeft));
    if (mustYield(this.#hold, settings.localHandoffs, now)) {
      return holderEvents.releasing(lock, this.#yield());
    }
    this.offer('local', holderEvents.released(lock) ? this.context.clock.now() : now);
    return Promise.resolve('released');
  }

  renew(): Promise<RenewalOutcome> {
    return this.context.renewer.renewNow(this.#hold);
  }

  lost(hold: LeaseState, why: string, ours: boolean): void {
    if (this.#over) return;
    this.#end();
    if (ours)
      this.context.releaser.discard(hold.key, hold.token, hold.ttl, this.#lock?.minHoldLeft);
    this.#lock?.lose(why);
    this.ended();
  }

  reportLost(lock: CallerLock, error: LockLostError): void {
    this.context.holderEvents.lost(lock, error);
  }

  confirmed(_hold: LeaseState, longer: boolean): void {
    if (longer && this.#lock !== undefined) this.context.holderEvents.renewed(this.#lock);
    if (this.#lock !== undefined) this.callers.busy();
  }

  troubled(_hold: LeaseState, error: Error): void {
    if (this.#lock === undefined || !(error instanceof LockUnavailableError)) return;
    this.context.holderEvents.troubled(this.#lock, error);
  }

  #enter(via: Via, now: number): void {
    const waiter = this.callers.take();
    if (waiter === undefined) return;
    const hold = this.#hold;
    const { ttl, renew } = waiter.request;
    const rescheduled = hold.renews !== renew;
    hold.ttl = ttl;
    hold.renews = renew;
    if (rescheduled) this.context.renewer.keep(hold);
    if (via === 'local' && hold.contendedSince !== undefined) hold.passes += 1;
    this.#lock = new CallerLock(hold, hold.takeFence(), waiter.request, this, now);
    this.context.holderEvents.acquired(this.#lock, waiter, via);
    waiter.resolve(this.#lock);
    // A caller that takes one try and joined while it was not known whether the lock is free has had it.
    if (via !== 'local') this.callers.busy();
    this.fetchAhead(now);
  }

  async #renewThenOffer(next: LockRequest, via: Via): Promise<void> {
    const hold = this.#hold;
    hold.ttl = next.ttl;
    hold.fencesWanted = this.#ahead.fences;
    const outcome = await this.context.renewer.renewNow(hold);
    if (this.#over) return;
    const now = this.context.clock.now();
    if (outcome !== 'held' || hold.fencesLeft === 0) void this.#giveBack(0).catch(() => undefined);
    else if (this.callers.first === next && hold.deadline > now) this.#enter(via, now);
    else this.offer(via, now);
  }

  #giveBack(minHoldLeft: number): Promise<ReleaseReply> {
    const { key, token, ttl } = this.#hold;
    this.#end();
    const reply = this.context.releaser.release({ key, token, minHoldLeft }, ttl);
    this.ended();
    return reply;
  }

  /** Gives the lock to the process that waits, and takes a new place behind it, in one step. */
  #yield(): Promise<ReleaseReply> {
    const { key, token, ttl } = this.#hold;
    const { releaser, settings } = this.context;
    const until = this.context.clock.now() + settings.commandTimeout;
    this.#end();
    return new Promise((resolve) => {
      // Without an answer it goes alone, but its caller waits no longer than for one.
      const alone = () => releaser.releaseBy(until, { key, token, minHoldLeft: 0 }, ttl);
      this.ended({ token, settle: (reply) => resolve(reply ?? alone()) });
    });
  }

  #end(): void {
    this.#over = true;
    this.context.renewer.drop(this.#hold);
    this.context.routes.forget(this.#hold.token);
  }
}
