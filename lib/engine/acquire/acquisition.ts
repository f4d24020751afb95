import { LockConfigError, type LockUnavailableError } from '../api/errors.js';
import type { LockHolder } from '../api/lock-holder.js';
import { holderOf } from '../store/holder-of.js';
import type { BusyLock } from '../store/lock-store.js';
import type { LeaseTerms } from '../store/lease-terms.js';
import { isOverdue } from '../store/lease.js';
import type { Yield } from '../store/yield.js';
import { backoff } from '../time/backoff.js';
import type { Timer } from '../time/clock.js';
import type { AcquisitionContext, AcquisitionOwner, AttemptOwner } from './acquisition-owner.js';
import { Attempt } from './attempt.js';

/**
 * Seeks the lock of one key for this process, by one attempt after another, until it is granted
 * or nobody wants it any more. A later attempt gets the place in the queue of an earlier one.
 */
export class Acquisition implements AttemptOwner {
  #attempt: Attempt | undefined;
  #ticket: number | undefined;
  hasMadeWay = false;
  #failures = 0;
  #pause: Timer | undefined;
  /** What was last heard, when that was *busy*. */
  #busy: (BusyLock & { readonly at: number }) | undefined;
  /** Whether the lock was busy for this process at any time. */
  #waited = false;

  constructor(
    readonly callers: AcquisitionOwner<Acquisition>,
    private readonly context: AcquisitionContext,
  ) {}

  /** Whether somebody else holds the lock, and we have a place in the queue. */
  get isQueued(): boolean {
    return this.#attempt?.isQueued === true;
  }

  /**
   * What is left of the holder's lease, when *busy* is the last thing heard from Redis and no
   * command is overdue; else `undefined`: whether the lock is busy is not known.
   *
   * @param maxAge How long ago it may have been heard, in milliseconds.
   */
  busyFor(maxAge = Infinity): number | undefined {
    if (this.#busy === undefined) return undefined;
    const { clock, settings } = this.context;
    const now = clock.now();
    const age = now - this.#busy.at;
    if (age > maxAge || isOverdue(this.#attempt?.pending.since, settings.commandTimeout, now))
      return undefined;
    return Math.max(0, this.#busy.leaseLeft - age);
  }

  /** The holder, as last told. */
  get holder(): LockHolder | undefined {
    const { holder } = this.#busy ?? {};
    return holder === undefined ? undefined : holderOf(holder, this.busyFor() ?? 0);
  }

  /** Makes a new attempt. */
  ask(yields?: Yield): void {
    this.context.clock.cancel(this.#pause);
    this.#attempt = new Attempt(this, this.context);
    this.#attempt.ask(this.#ticket, yields);
  }

  /** What was heard may be over: until the next answer it is not known whether the lock is busy. */
  doubt(): void {
    this.#busy = undefined;
  }

  /** Asks again at once: the connection is back, or a caller came who takes one try only. */
  hurry(): void {
    if (this.#attempt === undefined) this.ask();
    else this.#attempt.hurry();
  }

  /** Nobody wants the lock any more. */
  cancel(): void {
    this.context.clock.cancel(this.#pause);
    this.#attempt?.cancel();
  }

  busy(place: BusyLock & { readonly sentAt: number }, ticket?: number): void {
    this.#failures = 0;
    this.#waited = true;
    this.#ticket = ticket ?? this.#ticket;
    this.#busy = { leaseLeft: place.leaseLeft, holder: place.holder, at: place.sentAt };
    if (ticket === undefined) return;
    this.hasMadeWay = false;
    this.callers.busy();
  }

  troubled(error: LockUnavailableError): void {
    this.#busy = undefined;
    this.callers.failed(error);
  }

  won({ token, ttl }: Attempt, terms: LeaseTerms): void {
    this.#attempt = undefined;
    // A claim is a hand-over, even when nobody was in between.
    const via = this.#waited || terms.lease < ttl ? 'handoff' : 'free';
    this.callers.won(this, { token, ttl, terms }, via);
  }

  turnedAway(): void {
    this.#attempt = undefined;
    this.callers.busy();
    // Somebody who waits has come since this was asked for callers that do not.
    if (this.callers.patient) this.hurry();
  }

  makeWay(): void {
    this.hasMadeWay = true;
    this.again(false);
  }

  again(soon: boolean): void {
    this.#attempt = undefined;
    if (soon) this.ask();
    else this.#askLater();
  }

  failed(error: LockUnavailableError | LockConfigError): void {
    this.#attempt = undefined;
    if (error instanceof LockConfigError) return this.callers.refused(this, error);
    this.#busy = undefined;
    this.#askLater();
    this.callers.failed(error);
  }

  #askLater(): void {
    this.#failures += 1;
    const { clock } = this.context;
    this.#pause = clock.after(backoff(this.#failures, clock), () => this.ask());
  }
}
