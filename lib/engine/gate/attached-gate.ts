import type { DetachedLock } from '../api/detached-lock.js';
import { type LockError, LockLostError, type LockUnavailableError } from '../api/errors.js';
import type { LockRequest } from '../api/lock-options.js';
import { asItIs } from '../api/reception.js';
import type { CallerLock } from '../hold/caller-lock.js';
import type { TenureOwner } from '../hold/tenure-owner.js';
import { Tenure } from '../hold/tenure.js';
import { CallerQueue, type CallerQueueOwner } from '../queue/caller-queue.js';
import { heldTerms, type LeaseTerms } from '../store/lease-terms.js';
import type { Moved } from '../store/lock-mover.js';
import { capacityIn, claimOf } from '../store/token.js';
import type { Gate, GateContext } from './gate-context.js';

const GONE = 'its lease had ended before it was attached, or its ticket had been used.';

/**
 * A lock that was detached, and the one caller that attaches it. To the callers of its key that wait in
 * this process it is as one of another process: they keep their places in the store's queue.
 */
export class AttachedGate implements Gate, CallerQueueOwner, TenureOwner<Tenure> {
  readonly key: string;
  readonly capacity: number;
  readonly busyFor = undefined;
  readonly holder = undefined;
  readonly places = 0;
  readonly #callers: CallerQueue<CallerLock>;
  #tenure: Tenure | undefined;
  #failure: LockUnavailableError | undefined;
  #isRevoked = false;

  constructor(
    private readonly detached: DetachedLock,
    private readonly context: GateContext,
  ) {
    const { clock, events, settings } = context;
    this.key = detached.key;
    this.capacity = capacityIn(detached.token);
    this.#callers = new CallerQueue(this, clock, events, settings);
  }

  get failure(): LockUnavailableError | undefined {
    return this.#failure;
  }

  /** Attaches the lock for this call. */
  attach(request: LockRequest, isInside: boolean): Promise<CallerLock> {
    const now = this.context.clock.now();
    this.context.began(this);
    const entered = this.#callers.join(request, false, isInside, now, asItIs());
    void this.context.mover.inTurn(this.detached.token, () => this.#take(request));
    return entered;
  }

  clear(error: () => LockError, isMeant: (isInside: boolean) => boolean): void {
    this.#callers.clear(error, isMeant);
  }

  evict(why: string): void {
    this.#tenure?.evict(why);
  }

  unreachable(): void {
    this.#tenure?.doubt();
  }

  /** Its renewal is asked for with all others, and an attachment repeats by itself. */
  reconnected(): void {}

  behind(): number {
    return 0;
  }

  held(): void {}

  changed(): void {}

  ended(): void {
    this.#tenure = undefined;
    this.shrunk();
  }

  shrunk(): void {
    if (this.#tenure === undefined && this.#callers.size === 0) this.context.emptied(this);
  }

  async #take({ ttl, label }: LockRequest): Promise<void> {
    if (this.#callers.size === 0) return;
    const { key, detached, capacity } = this;
    const { mint, mover, routes } = this.context;
    const token = mint.next(claimOf(ttl), 1, label, capacity);
    // Known before it is sent: a waiter may doubt that it lives, or an operator take it, before the answer is here.
    routes.watch(token, { revoked: () => (this.#isRevoked = true) });
    const command = { key, from: detached.token, to: token, ttl, beside: false };
    try {
      const moved = await mover.move(command, (failure) => {
        this.#failure = failure;
        return this.#callers.size > 0;
      });
      // Its caller may have left.
      if (moved.kind === 'lost' || this.#callers.size > 0) return this.#moved(token, ttl, moved);
    } catch (error) {
      this.#callers.clear(() => error as LockError);
    }
    await this.#putBack(token, ttl);
  }

  /** Makes the lock the ticket's again, whether or not it was moved: a lease that it got meanwhile stays. */
  async #putBack(token: string, ttl: number): Promise<void> {
    const { key, detached } = this;
    const { clock, mover, routes } = this.context;
    const until = clock.now() + Math.max(ttl, detached.lease);
    const command = { key, from: token, to: detached.token, ttl: 1, beside: false };
    await mover.move(command, () => clock.now() < until).catch(() => undefined);
    routes.forget(token);
  }

  #moved(token: string, ttl: number, moved: Moved): void {
    const lost = new LockLostError([this.key], 0, GONE);
    if (moved.kind === 'lost') return this.#refuse(token, lost);
    const { sentAt, queue } = moved;
    const { fence } = this.detached;
    const fences = { next: fence, last: fence };
    const now = this.context.clock.now();
    const terms = heldTerms({ sentAt, lease: ttl, fences, queue }, now);
    const minHoldLeft = this.#minHoldLeft(moved.leaseLeft);
    if (terms !== undefined && !this.#isRevoked)
      return this.#begin(token, ttl, terms, now + minHoldLeft);
    this.context.releaser.discard(this.key, token, ttl, minHoldLeft);
    this.#refuse(token, lost);
  }

  #begin(token: string, ttl: number, terms: LeaseTerms, keptUntil: number): void {
    const grant = { token, ttl, terms, keptUntil };
    this.#tenure = new Tenure(this.context, this.#callers, this, grant);
    this.#tenure.offer('free');
  }

  /** While the lock was on its way its lease ran down. */
  #minHoldLeft(leaseLeft: number | undefined): number {
    const { lease, minHoldLeft } = this.detached;
    return Math.max(0, minHoldLeft - Math.max(0, lease - (leaseLeft ?? lease)));
  }

  #refuse(token: string, error: LockError): void {
    this.context.routes.forget(token);
    this.#callers.clear(() => error);
  }
}
