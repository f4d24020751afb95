import type { DetachedLocks } from '../api/detached-lock.js';
import type { Duration } from '../api/duration.js';
import { type LockError, LockLostError, LockUnavailableError } from '../api/errors.js';
import { leaseTime } from '../api/lease-time.js';
import type { LockRequest } from '../api/lock-options.js';
import type { Reception } from '../api/reception.js';
import { LeasedLock } from '../reentry/leased-lock.js';
import { outcomeOf } from '../reentry/detached.js';
import type { LockPart, ReentrantLock } from '../reentry/reentrant-lock.js';
import { ReentryQueue } from '../reentry/reentry-queue.js';
import type { Clock, Timer } from '../time/clock.js';
import type { LeaseState } from './lease-state.js';
import type { LockHome } from './lock-home.js';

/** What a call makes of the lock that it gets. */
export type ToCaller<R> = Reception<CallerLock, R>;

/** The lock in the hands of one caller. */
export class CallerLock extends LeasedLock implements ReentrantLock, LockPart {
  readonly #hold: LeaseState;
  #request: LockRequest;
  readonly #home: LockHome<CallerLock>;
  readonly #clock: Clock;
  #acquiredAt: number;
  #fence: number;
  /** How long it stays locked from `#acquiredAt` on at least, in milliseconds. */
  #minHold: number;
  /** How the caller gave it away. */
  #ended: 'released' | 'detached' | undefined;
  #reentries: ReentryQueue | undefined;
  #release: Promise<'released' | 'lost'> | undefined;
  readonly #maxHold: Timer | undefined;

  constructor(
    hold: LeaseState,
    fence: number,
    request: LockRequest,
    home: LockHome<CallerLock>,
    acquiredAt: number,
  ) {
    super();
    this.#hold = hold;
    this.#fence = fence;
    this.#request = request;
    this.#home = home;
    this.#clock = home.context.clock;
    this.#acquiredAt = acquiredAt;
    this.#minHold = request.minHold;
    const { maxHold } = request;
    if (maxHold !== Infinity) {
      const why = `it was held for maxHold (${maxHold} ms).`;
      this.#maxHold = this.#clock.after(maxHold, () => home.evictOne(this, why), 'observer');
    }
  }

  get request(): LockRequest {
    return this.#request;
  }

  get capacity(): number {
    return this.#request.capacity;
  }

  get key(): string {
    return this.#hold.key;
  }

  get keys(): readonly string[] {
    return this.#hold.keys;
  }

  get parts(): readonly LockPart[] {
    return [this];
  }

  get fencingToken(): number {
    return this.#fence;
  }

  get over(): boolean {
    return this.#ended !== undefined;
  }

  get reentries(): ReentryQueue {
    return (this.#reentries ??= new ReentryQueue(this, this.#home.context));
  }

  get reentered(): boolean {
    return this.#reentries?.busy === true;
  }

  get heldMs(): number {
    return this.#clock.now() - this.#acquiredAt;
  }

  get minHold(): number {
    return this.#minHold;
  }

  get remainingMs(): number {
    if (this.over || this.lostError !== undefined) return 0;
    return Math.max(0, this.#hold.deadline - this.#clock.now());
  }

  assertHeld(): void {
    if (this.remainingMs > 0) return;
    throw (
      this.lostError ?? this.#lostNow(this.over ? `it was ${this.#ended}.` : 'its lease is over.')
    );
  }

  async extend(ttl?: Duration): Promise<void> {
    const ms = ttl === undefined ? this.#request.ttl : leaseTime(ttl, this.keys);
    this.assertHeld();
    this.#hold.ttl = ms;
    const outcome = await this.#home.renew();
    if (this.lostError !== undefined) throw this.lostError;
    if (outcome === 'held') return;
    throw new LockUnavailableError(this.keys, 'its lease could not be renewed, and is as it was.');
  }

  release(): Promise<'released' | 'lost'> {
    return (this.#release ??= this.reentered ? this.#releaseAfterTurns() : this.#leave());
  }

  async leaveHeld(token?: string): Promise<DetachedLocks> {
    this.assertHeld();
    const left = this.#home.detach(this, token);
    this.#end('detached');
    this.#release = outcomeOf(left);
    return [await left];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch((error: LockError) => {
      // Reported by a `release-failed` event; anything else is a fault of ours.
      if (!(error instanceof LockUnavailableError)) throw error;
    });
  }

  /** The lease is, or may be, gone: tells the caller. Nothing when it has been given back. */
  lose(why: string): void {
    if (this.over || this.lostError !== undefined) return;
    this.#clock.cancel(this.#maxHold);
    const error = this.#lostNow(why);
    this.endAsLost(error, () => this.#home.reportLost(this, error));
  }

  /** It was part of what `request` asks for, and goes on as all of it: times count from here. */
  settle(request: LockRequest): Promise<boolean> {
    this.#request = request;
    this.#acquiredAt = this.#clock.now();
    this.#minHold = request.minHold;
    return this.#home.settle(this);
  }

  raiseFence(fence: number): void {
    this.#fence = Math.max(this.#fence, fence);
    this.#hold.skipFences(fence);
  }

  keepFor(ms: number): void {
    this.#minHold = Math.max(this.#minHold, this.heldMs + ms);
  }

  drop(): void {
    this.abortSignal(this.#lostNow('nothing referred to it any more.'));
    this.release().catch(() => undefined);
  }

  async #releaseAfterTurns(): Promise<'released' | 'lost'> {
    while (this.reentered) await this.reentries.idle();
    return this.#leave();
  }

  #leave(): Promise<'released' | 'lost'> {
    const now = this.#clock.now();
    if (this.#hold.deadline <= now) {
      this.#hold.owner.lost(this.#hold, 'its lease is over.', true);
    }
    this.#end('released');
    if (this.lostError !== undefined) return Promise.resolve('lost');
    return this.#home.leave(this, now);
  }

  #end(how: 'released' | 'detached'): void {
    this.#ended = how;
    this.#clock.cancel(this.#maxHold);
  }

  #lostNow(why: string): LockLostError {
    return new LockLostError(this.keys, this.heldMs, why, undefined, this.#hold.trouble);
  }
}
