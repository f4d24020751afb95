import type { AcquisitionOwner } from '../acquire/acquisition-owner.js';
import { Acquisition } from '../acquire/acquisition.js';
import {
  type LockConfigError,
  type LockError,
  LockQueueFullError,
  LockUnavailableError,
} from '../api/errors.js';
import { holderHere, type LockHolder } from '../api/lock-holder.js';
import type { LockRequest } from '../api/lock-options.js';
import type { CallerLock } from '../hold/caller-lock.js';
import { fencesToStart } from '../hold/handoff-policy.js';
import { Tenure } from '../hold/tenure.js';
import { CallerQueue, type CallerQueueOwner } from '../queue/caller-queue.js';
import type { LeaseTerms } from '../store/lease-terms.js';
import type { Yield } from '../store/yield.js';
import type { GateContext } from './gate-context.js';

/** A caller that takes one try is told *busy* without a question when Redis said so this long ago at most. */
const FRESH_MS = 1000;

/**
 * The callers of one key in this process: first come, first served, one place in the store's
 * queue for all of them, and one lease that passes between them.
 *
 * @see Dice, Marathe, Shavit: Lock Cohorting, PPoPP 2012. Ours bounds a turn by count and by time.
 */
export class KeyGate implements AcquisitionOwner, CallerQueueOwner {
  readonly #callers: CallerQueue<CallerLock>;
  #tenure: Tenure | undefined;
  #acquisition: Acquisition | undefined;
  #failure: LockUnavailableError | undefined;

  constructor(
    readonly key: string,
    private readonly context: GateContext,
  ) {
    this.#callers = new CallerQueue<CallerLock>(
      this,
      context.clock,
      context.events,
      context.settings.commandTimeout,
    );
  }

  /** Gives the lock to this call when its turn comes. */
  enter(request: LockRequest, isInside: boolean): Promise<CallerLock> {
    const busy = this.#isBusy;
    const error = this.#refusal(request, busy);
    if (error !== undefined) return Promise.reject(error);
    const entered = this.#callers.join(request, busy, isInside);
    if (this.#tenure !== undefined) {
      if (request.wait === 0) this.#tenure.makeSure();
      else this.#tenure.fetchAhead();
    } else if (this.#acquisition === undefined) this.#seek();
    else if (request.wait === 0) this.#acquisition.hurry();
    return entered;
  }

  /** Turns waiters away. */
  clear(error: () => LockError, isMeant: (isInside: boolean) => boolean): void {
    this.#callers.clear(error, isMeant);
  }

  /** Takes the lock from the caller that has it. */
  evict(why: string): void {
    this.#tenure?.evict(why);
  }

  /** The store can't be reached: whether the lock is still busy is not known. */
  unreachable(): void {
    this.#acquisition?.doubt();
    this.#tenure?.doubt();
  }

  /** The store can be reached again, or pushes may have been missed. */
  reconnected(): void {
    this.#acquisition?.hurry();
  }

  get waiters(): number {
    return this.#callers.size;
  }

  get longestWait(): number {
    return this.#callers.longestWait;
  }

  /** Label of the caller that has the lock; the store knows that of the first in a turn only. */
  get holderLabel(): string | undefined {
    return this.#tenure === undefined ? undefined : this.#callers.last?.label;
  }

  get holder(): LockHolder | undefined {
    const { last } = this.#callers;
    if (this.#tenure === undefined) return this.#acquisition?.holder;
    if (last === undefined) return undefined;
    return holderHere(last.label, this.context.clock.now() - last.at, this.busyFor ?? 0);
  }

  get patient(): boolean {
    return this.#callers.patient;
  }

  get ttl(): number {
    return this.#callers.first?.ttl ?? this.context.settings.ttl;
  }

  get label(): string {
    return this.#callers.first?.label ?? '';
  }

  get fences(): number {
    return fencesToStart(this.#callers.size, this.context.settings.localHandoffs);
  }

  get busyFor(): number | undefined {
    return (this.#tenure ?? this.#acquisition)?.busyFor();
  }

  /** Whether a caller has to wait from the start; not while Redis fails or keeps us waiting. */
  get #isBusy(): boolean {
    if (this.#tenure !== undefined) return true;
    return this.#acquisition?.isQueued === true && this.busyFor !== undefined;
  }

  get failure(): LockUnavailableError | undefined {
    if (this.#failure !== undefined) return this.#failure;
    const trouble = this.context.trouble();
    if (trouble === undefined) return undefined;
    const reason = 'there is no connection to Redis.';
    return new LockUnavailableError([this.key], reason, trouble.cause, trouble.nodes);
  }

  won(token: string, ttl: number, terms: LeaseTerms, via: 'free' | 'handoff'): void {
    this.#acquisition = undefined;
    this.#failure = undefined;
    const ended = (yields?: Yield): void => {
      this.#tenure = undefined;
      if (this.#callers.size > 0) this.#seek(yields);
      else this.context.emptied(this);
    };
    this.#tenure = new Tenure(this.context, this.#callers, ended, {
      key: this.key,
      token,
      ttl,
      terms,
    });
    this.#tenure.offer(via);
  }

  busy(): void {
    this.#failure = undefined;
    this.#callers.busy();
  }

  failed(error: LockUnavailableError): void {
    this.#failure = error;
  }

  refused(error: LockConfigError): void {
    this.#acquisition = undefined;
    this.#callers.clear(() => error);
  }

  deserted(): void {
    if (this.#tenure !== undefined) return;
    this.#acquisition?.cancel();
    this.#acquisition = undefined;
    this.context.emptied(this);
  }

  #seek(yields?: Yield): void {
    this.#acquisition = new Acquisition(this, this.context);
    this.#acquisition.ask(yields);
  }

  #refusal(request: LockRequest, busy: boolean): LockError | undefined {
    const { key, context } = this;
    const busyFor = (this.#tenure ?? this.#acquisition)?.busyFor(FRESH_MS);
    if (busy && request.wait === 0 && busyFor !== undefined) {
      return this.#callers.timedOut(request, 0, busyFor);
    }
    // The first caller of a lock that may be free asks for it and does not wait yet.
    const asks = this.#tenure === undefined && this.#acquisition?.isQueued !== true;
    const waiting = this.#callers.size - (asks && this.#callers.size > 0 ? 1 : 0);
    const waits = busy || this.#callers.size > 0;
    if (!waits || waiting < context.settings.maxWaiters) return undefined;
    return new LockQueueFullError([key], waiting, this.busyFor);
  }
}
