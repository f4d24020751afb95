import type { LockRequest } from '../api/lock-options.js';
import type { LeaseTerms } from '../store/lease-terms.js';
import { deadlineOf, isOverdue, renewalAt } from '../store/lease.js';
import type { FenceBlock } from '../store/lock-store.js';
import type { Dated, DueSlot } from '../time/due-times.js';

/** Where a hold reports that it is over. */
export interface LeaseOwner {
  /** Callers of this process that wait behind the holder. */
  readonly waiters: number;
  /** Places that this process itself has in the store's queue. */
  readonly places: number;
  /** `ours`: Redis may still have the lock under our token. */
  lost(hold: LeaseState, why: string, ours: boolean): void;
  /** A renewal failed and will be repeated. */
  troubled(hold: LeaseState, error: Error): void;
  /** Redis has the lock under our token; `longer`: for a longer time than before. */
  confirmed(hold: LeaseState, longer: boolean): void;
}

/**
 * The lease that this process has on one key. It outlives the single caller: callers of the
 * same process pass it on, each with a fencing number of its own out of the reserved block.
 */
export class LeaseState implements Dated {
  due: DueSlot<Dated> | undefined;
  /** What a renewal asks for: the present caller's `ttl`. */
  ttl: number;
  /** Whether it is renewed by itself: the present caller's `renew`. */
  renews = true;
  /** Fencing numbers to ask for with the next renewal. */
  fencesWanted = 0;
  /** The lease can't be relied on from here, whatever Redis says. */
  deadline: number;
  /** How long the lease is that Redis confirmed last: at first, after a hand-over, a short claim. */
  lease: number;
  /** When the next renewal is due. */
  renewAt: number;
  /** Redis does not confirm the lease at the moment: a renewal failed, or there is no connection. */
  troubled = false;
  /** Why the last renewal failed, when it did. */
  trouble: Error | undefined;
  /** When a renewal was sent that is not answered yet. */
  pendingSince: number | undefined;
  /** Hand-overs inside this process since another one waits. */
  passes = 0;
  /** Since when another process is known to wait. */
  contendedSince: number | undefined;
  /** When the command was sent whose reply last told how many processes wait. */
  heardAt: number;
  /** Fencing numbers that callers were given so far. */
  fencesUsed = 0;
  /** When the command was sent that confirmed the lease last. */
  confirmedAt: number;
  /** When the command was sent that got the lock. */
  readonly startedAt: number;
  /** The fencing numbers that are left were reserved no earlier. */
  mintedAt: number;
  /** The key as a list of one: what its callers' locks tell. */
  readonly keys: readonly string[];
  #nextFence: number;
  #lastFence: number;
  #fenceFloor = 0;

  constructor(
    readonly key: string,
    readonly token: string,
    readonly owner: LeaseOwner,
    ttl: number,
    terms: LeaseTerms,
  ) {
    this.keys = [key];
    this.ttl = ttl;
    this.deadline = terms.deadline;
    this.lease = terms.lease;
    this.renewAt = renewalAt(terms.sentAt, terms.lease);
    this.#nextFence = terms.fences.next;
    this.#lastFence = terms.fences.last;
    this.mintedAt = terms.mintedAt;
    this.confirmedAt = terms.sentAt;
    this.startedAt = terms.sentAt;
    this.heardAt = terms.sentAt;
    this.heard(terms.queue, terms.sentAt);
  }

  get fencesLeft(): number {
    return this.#lastFence - this.#nextFence + 1;
  }

  /**
   * What is left of the lease, when it is known that it is still ours: no renewal failed or is
   * overdue, and Redis confirmed it at most `maxAge` ms ago.
   */
  confirmedLeft(now: number, commandTimeout: number, maxAge: number): number | undefined {
    if (this.troubled || now - this.confirmedAt > maxAge) return undefined;
    return isOverdue(this.pendingSince, commandTimeout, now) ? undefined : this.deadline - now;
  }

  /**
   * Does what a caller asks of the lease, beside those that have it already.
   *
   * @returns Whether it is renewed otherwise than before.
   */
  serve({ ttl, renew }: Pick<LockRequest, 'ttl' | 'renew'>, beside: boolean): boolean {
    const before = this.renews;
    this.ttl = beside ? Math.max(ttl, this.ttl) : ttl;
    this.renews = renew || (beside && before);
    return this.renews !== before;
  }

  /** The fencing number of the next caller. The caller makes sure that one is left. */
  takeFence(): number {
    this.fencesUsed += 1;
    return this.#nextFence++;
  }

  /** No caller gets a number up to `fence` any more: one of them had a larger one by another key. */
  skipFences(fence: number): void {
    this.#fenceFloor = Math.max(this.#fenceFloor, fence);
    this.#keepAboveFloor();
  }

  /** Takes note of how many wait for the lock in the store's queue. */
  heard(queue: number, at: number): void {
    this.heardAt = Math.max(this.heardAt, at);
    if (queue > this.owner.places) this.contendedSince ??= at;
    else if (at >= (this.contendedSince ?? at)) {
      this.contendedSince = undefined;
      this.passes = 0;
    }
  }

  /**
   * Redis confirmed a lease of `lease` ms by a command sent at `sentAt`; leases never shrink. Of
   * several nodes' answers an earlier one may come later.
   *
   * @returns Whether the lease got longer by it.
   */
  confirm(sentAt: number, lease: number, fences: FenceBlock): boolean {
    this.troubled = false;
    this.trouble = undefined;
    this.pendingSince = undefined;
    const before = this.deadline;
    this.deadline = Math.max(before, deadlineOf(sentAt, lease));
    // What is left of a lower block is abandoned, never reused.
    if (fences.last >= fences.next && fences.next > this.#lastFence) {
      this.#nextFence = fences.next;
      this.#lastFence = fences.last;
      this.mintedAt = sentAt;
      this.#keepAboveFloor();
    }
    if (sentAt >= this.confirmedAt) {
      this.confirmedAt = sentAt;
      this.lease = lease;
      this.renewAt = renewalAt(sentAt, lease);
    }
    return this.deadline > before;
  }

  #keepAboveFloor(): void {
    const next = Math.max(this.#nextFence, this.#fenceFloor + 1);
    this.#nextFence = Math.min(next, this.#lastFence + 1);
  }
}
