import type { DetachedLock } from '../api/detached-lock.js';
import { type LockLostError, LockUnavailableError } from '../api/errors.js';
import type { Via } from '../api/lock-events.js';
import type { LockRequest } from '../api/lock-options.js';
import type { CallerQueue } from '../queue/caller-queue.js';
import { Admission } from './admission.js';
import { BusyCheck } from './busy-check.js';
import type { CallerLock } from './caller-lock.js';
import { mustYield } from './handoff-policy.js';
import { LeaseCallers } from './lease-callers.js';
import { detachLease } from './lease-detachment.js';
import { LeaseExit } from './lease-exit.js';
import type { RenewalOutcome } from './lease-renewer.js';
import { type LeaseOwner, LeaseState } from './lease-state.js';
import type { LockHome } from './lock-home.js';
import type { TenureContext } from './tenure-context.js';
import type { TenureGrant, TenureOwner } from './tenure-owner.js';

/** What a release answers that asks nothing of the store. */
const RELEASED = Promise.resolve('released' as const);

/**
 * The time for which this process has the lock of one key: from the grant, through the hands of
 * any number of its callers, until it is given back, yielded to another process, or lost. One after
 * another has it, or any number at once, as the capacity of its token says.
 */
export class Tenure implements LeaseOwner, LockHome<CallerLock> {
  readonly #hold: LeaseState;
  readonly #holders: LeaseCallers;
  readonly #exit: LeaseExit;
  readonly #admission: Admission;
  readonly #check: BusyCheck;

  constructor(
    readonly context: TenureContext,
    private readonly callers: CallerQueue<CallerLock>,
    private readonly owner: TenureOwner<Tenure>,
    grant: TenureGrant,
  ) {
    const hold = new LeaseState(owner.key, grant.token, this, grant.ttl, grant.terms);
    const holders = new LeaseCallers(context.holderEvents, grant.keptUntil);
    const exit = new LeaseExit(hold, context, (yields) => owner.ended(this, yields));
    this.#hold = hold;
    this.#holders = holders;
    this.#exit = exit;
    this.#admission = new Admission({ hold, callers, holders, exit, home: this, owner }, context);
    this.#check = new BusyCheck(hold, callers, context.renewer, context.clock);
    context.routes.watch(grant.token, this);
    context.renewer.keep(hold);
  }

  get token(): string {
    return this.#hold.token;
  }

  /** Label of a caller that has the lock: the last that got it. */
  get label(): string | undefined {
    return this.#holders.label;
  }

  get waiters(): number {
    return this.owner.behind(this);
  }

  get places(): number {
    return this.owner.places;
  }

  /** Whether callers enter beside those that have the lock: nobody waits before them. */
  get isOpen(): boolean {
    return this.#admission.isOpen;
  }

  /** Whether the callers in line may hope for this tenure. */
  get serves(): boolean {
    return this.#admission.serves;
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

  /** Gives the lock to this caller. */
  admit(request: LockRequest): CallerLock {
    return this.#admission.admit(request, this.context.clock.now());
  }

  /** Gives the lock to the next callers, or back when there are none and nobody has it. */
  offer(via: Via, now = this.context.clock.now()): void {
    this.#admission.offer(via, now);
  }

  /** A caller joined the queue: the lock will pass on inside this process. */
  fetchAhead(now: number): void {
    this.#admission.fetchAhead(now);
  }

  /** Another process began to wait, or left. */
  wanted(queue: number): void {
    this.#hold.heard(queue, this.context.clock.now());
    this.#reconsider();
  }

  /** An operator took the lock. */
  revoked(): void {
    this.lost(this.#hold, 'an operator released it by force.', false);
  }

  /** The caller has to go: the lock counts as lost and is released. */
  evict(why: string): void {
    this.lost(this.#hold, why, true);
  }

  evictOne(lock: CallerLock, why: string): void {
    if (this.#holders.size === 1) return this.evict(why);
    this.#holders.delete(lock, this.context.clock.now());
    lock.lose(why);
  }

  leave(lock: CallerLock, now: number): Promise<'released' | 'lost'> {
    const { holderEvents, settings } = this.context;
    const minHoldLeft = this.#holders.delete(lock, now);
    if (this.#holders.size > 0) {
      holderEvents.released(lock);
      return RELEASED;
    }
    if (minHoldLeft > 0 || this.callers.size === 0)
      return holderEvents.releasing(lock, this.#exit.giveBack(minHoldLeft));
    if (!this.serves || mustYield(this.#hold, settings, now)) {
      return holderEvents.releasing(lock, this.#exit.yield());
    }
    this.offer('local', holderEvents.released(lock) ? this.context.clock.now() : now);
    return RELEASED;
  }

  detach(lock: CallerLock, token?: string): Promise<DetachedLock> {
    const { context } = this;
    context.mover.check(lock.keys);
    const minHoldLeft = this.#holders.delete(lock, context.clock.now());
    const how = { beside: this.#holders.size > 0, minHoldLeft, token };
    const send = (): Promise<DetachedLock> => detachLease(this.#hold, lock, how, context);
    return context.holderEvents.detaching(lock, how.beside ? send() : this.#exit.detach(send));
  }

  settle({ request }: CallerLock): Promise<boolean> {
    return this.#admission.settle(request);
  }

  renew(): Promise<RenewalOutcome> {
    return this.context.renewer.renewNow(this.#hold);
  }

  lost(_hold: LeaseState, why: string, ours: boolean): void {
    this.#exit.lose(() => this.#holders.lose(why, this.context.clock.now()), ours);
  }

  reportLost(lock: CallerLock, error: LockLostError): void {
    this.context.holderEvents.lost(lock, error);
  }

  confirmed({ confirmedAt, lease }: LeaseState, longer: boolean): void {
    if (this.#holders.size === 0) return;
    // Each reader that joins has the lease renewed on the way.
    if (longer) this.#holders.renewed(confirmedAt, this.#admission.isShared ? lease / 8 : 0);
    this.owner.held();
    this.#reconsider();
  }

  troubled(_hold: LeaseState, error: Error): void {
    if (error instanceof LockUnavailableError) this.#holders.troubled(error);
  }

  /** Who waits elsewhere is known anew: it may be the turn of others now. */
  #reconsider(): void {
    if (!this.#admission.isShared) return;
    if (this.isOpen && this.#holders.size > 0) this.offer('local');
    this.owner.changed();
  }
}
