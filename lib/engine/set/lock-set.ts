import type { DetachedLock, DetachedLocks } from '../api/detached-lock.js';
import type { Duration } from '../api/duration.js';
import {
  type LockConfigError,
  type LockError,
  LockLostError,
  LockUnavailableError,
} from '../api/errors.js';
import type { LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import type { HeldCall, HolderEvents } from '../hold/holder-events.js';
import { LeasedLock } from '../reentry/leased-lock.js';
import { outcomeOf } from '../reentry/detached.js';
import type { LockPart, ReentrantLock } from '../reentry/reentrant-lock.js';
import { type ReentryContext, ReentryQueue } from '../reentry/reentry-queue.js';
import type { ReleaseReply } from '../store/lock-store.js';
import type { Timer } from '../time/clock.js';
import { leaveAll } from './moving-set.js';
import { errorOfSet, lostSet } from './set-errors.js';

/** What the locks of several keys of one process share. */
export interface LockSetContext extends ReentryContext {
  readonly holderEvents: HolderEvents;
  /** Gives back the lock of one key that was detached in vain. */
  readonly giveBack: (detached: DetachedLock) => void;
}

/** Several keys in the hands of one caller: held as long as all of them are. */
export class LockSet extends LeasedLock implements ReentrantLock, HeldCall {
  readonly #request: LockRequest;
  readonly #members: readonly ReentrantLock[];
  readonly #context: LockSetContext;
  #reentries: ReentryQueue | undefined;
  readonly #parts: readonly LockPart[];
  readonly #acquiredAt: number;
  readonly #stopListening: readonly (() => void)[];
  readonly #maxHold: Timer | undefined;
  #over = false;
  #release: Promise<'released' | 'lost'> | undefined;

  /** @param members The locks of all keys, each held, in the order in which they are given back. */
  constructor(
    readonly keys: LockKeys,
    request: LockRequest,
    members: readonly ReentrantLock[],
    context: LockSetContext,
  ) {
    super();
    const { clock } = context;
    this.#request = request;
    this.#members = members;
    this.#context = context;
    this.#acquiredAt = clock.now();
    this.#parts = members.flatMap(({ parts }) => parts);
    // Whoever has one of the keys later gets a larger number than this holder's, which is that of the last.
    const { fencingToken } = this;
    for (const part of this.#parts) part.raiseFence(fencingToken);
    this.#stopListening = members.map((member) => this.#listen(member));
    const { maxHold } = request;
    if (maxHold !== Infinity) {
      const why = `it was held for maxHold (${maxHold} ms).`;
      const overstay = (): void => this.#lose(new LockLostError(keys, this.heldMs, why));
      this.#maxHold = clock.after(maxHold, overstay, 'observer');
    }
  }

  get key(): string {
    return this.keys[0];
  }

  get fencingToken(): number {
    return Math.max(...this.#members.map((member) => member.fencingToken));
  }

  get request(): LockRequest {
    return this.#request;
  }

  get reentries(): ReentryQueue {
    return (this.#reentries ??= new ReentryQueue(this, this.#context));
  }

  get parts(): readonly LockPart[] {
    return this.#parts;
  }

  get over(): boolean {
    return this.#over;
  }

  get reentered(): boolean {
    return this.#reentries?.busy === true;
  }

  get heldMs(): number {
    return this.#context.clock.now() - this.#acquiredAt;
  }

  get remainingMs(): number {
    if (this.#over || this.lostError !== undefined) return 0;
    return Math.min(...this.#members.map(({ remainingMs }) => remainingMs));
  }

  assertHeld(): void {
    if (this.remainingMs > 0) return;
    const why = this.over ? 'it was released.' : 'the lease of one of them is over.';
    throw this.lostError ?? new LockLostError(this.keys, this.heldMs, why);
  }

  async extend(ttl?: Duration): Promise<void> {
    this.assertHeld();
    const extended = await Promise.allSettled(this.#members.map((member) => member.extend(ttl)));
    if (this.lostError !== undefined) throw this.lostError;
    for (const each of extended)
      if (each.status === 'rejected') throw errorOfSet(each.reason, this);
  }

  release(): Promise<'released' | 'lost'> {
    return (this.#release ??= this.reentered ? this.#releaseAfterTurns() : this.#leave());
  }

  override detachRefusal(keys: readonly string[]): LockConfigError | undefined {
    const refusals = this.#members.map((member) => member.detachRefusal(keys));
    return super.detachRefusal(keys) ?? refusals.find((refusal) => refusal !== undefined);
  }

  async leaveHeld(): Promise<DetachedLocks> {
    const left = leaveAll(this.#members, this, this.#context.giveBack);
    this.#over = true;
    this.#unwatch();
    this.#release = outcomeOf(left);
    return this.#context.holderEvents.detaching(this, left);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch((error: LockError) => {
      // Reported by a `release-failed` event; anything else is a fault of ours.
      if (!(error instanceof LockUnavailableError)) throw error;
    });
  }

  drop(): void {
    const why = 'nothing referred to it any more.';
    this.abortSignal(new LockLostError(this.keys, this.heldMs, why));
    this.release().catch(() => undefined);
  }

  #listen(member: ReentrantLock): () => void {
    const lost = (error: LockLostError): void => this.#lose(lostSet(this.keys, this.heldMs, error));
    const { lostError } = member;
    // Lost before there was a listener.
    if (lostError !== undefined) queueMicrotask(() => lost(lostError));
    return member.onLoss(lost);
  }

  /** One of the keys is, or may be, gone: so is the whole. */
  #lose(loss: LockLostError): void {
    if (this.#over || this.lostError !== undefined) return;
    this.#unwatch();
    this.endAsLost(loss, () => this.#context.holderEvents.lost(this, loss));
    this.#releaseMembers().catch(() => undefined);
  }

  async #releaseAfterTurns(): Promise<'released' | 'lost'> {
    while (this.reentered) await this.reentries.idle();
    return this.#leave();
  }

  #leave(): Promise<'released' | 'lost'> {
    if (this.lostError === undefined) {
      // What has run out unnoticed is noticed here, and is a loss of the whole.
      const released = this.#releaseMembers();
      if (this.lostError === undefined) {
        this.#over = true;
        this.#unwatch();
        return this.#context.holderEvents.releasing(this, released);
      }
      released.catch(() => undefined);
    }
    this.#over = true;
    return Promise.resolve('lost');
  }

  #unwatch(): void {
    this.#context.clock.cancel(this.#maxHold);
    for (const stop of this.#stopListening) stop();
  }

  /** All are on their way before the first has answered. */
  async #releaseMembers(): Promise<ReleaseReply> {
    const asked = this.#members.map((member) => member.release());
    const replies = await Promise.allSettled(asked);
    // A loss that is sure outweighs a release that was not heard.
    const isLost = replies.some((reply) => reply.status === 'fulfilled' && reply.value === 'lost');
    if (isLost) return 'not-held';
    for (const reply of replies)
      if (reply.status === 'rejected') throw errorOfSet(reply.reason, this);
    return 'released';
  }
}
