import {
  type LockError,
  LockQueueFullError,
  LockTimeoutError,
  type LockUnavailableError,
} from '../api/errors.js';
import type { LockEventEmitter } from '../api/lock-event-emitter.js';
import { eventOf } from '../api/lock-events.js';
import type { LockHolder } from '../api/lock-holder.js';
import type { LockRequest, LockSettings } from '../api/lock-options.js';
import type { Reception } from '../api/reception.js';
import type { Clock } from '../time/clock.js';
import { unanswered } from './unanswered.js';
import { WaiterList } from './waiter-list.js';
import { Waiter, type WaiterOwner } from './waiter.js';

/** What the queue asks about the lock that its callers wait for. */
export interface CallerQueueOwner {
  readonly key: string;
  /** What is left of the holder's lease if the lock is known to be busy; `undefined`: not known. */
  readonly busyFor: number | undefined;
  /** Who has the lock, when last heard of. */
  readonly holder: LockHolder | undefined;
  /** The last failure of Redis. */
  readonly failure: LockUnavailableError | undefined;
  /** Fewer callers wait. */
  shrunk(): void;
}

/** The command's own timeout comes first: it can tell more. */
const GRACE_MS = 50;

/** The callers of one key in this process that wait, in call order; each gets a `T` in its turn. */
export class CallerQueue<T> implements WaiterOwner<T> {
  readonly #waiters: WaiterList<T>;
  /** Those of them that take one try only. */
  #once = 0;
  /** The caller that got the lock last, and when. */
  last: { readonly label: string; readonly at: number } | undefined;

  constructor(
    private readonly owner: CallerQueueOwner,
    private readonly clock: Clock,
    private readonly events: LockEventEmitter,
    private readonly settings: Pick<LockSettings, 'commandTimeout' | 'maxWaiters'>,
  ) {
    this.#waiters = new WaiterList(clock);
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** How long the caller waits that came first, in milliseconds. */
  get longestWait(): number {
    return this.#waiters.first?.waitedMs ?? 0;
  }

  get first(): LockRequest | undefined {
    return this.#waiters.first?.request;
  }

  /** The caller that stands behind so many others; the last one when they are fewer. */
  behind(others: number): LockRequest | undefined {
    let one = this.#waiters.first;
    for (let i = 0; i < others && one?.after !== undefined; i += 1) one = one.after;
    return one?.request;
  }

  /** When the first of them joined. */
  get firstAt(): number {
    return this.#waiters.first?.startedAt ?? Infinity;
  }

  /** How many wait when the lock is busy. */
  get waiting(): number {
    return this.size - this.#once;
  }

  /** Whether somebody waits when the lock is busy. */
  get patient(): boolean {
    return this.waiting > 0;
  }

  /** Whether somebody takes one try only. */
  get impatient(): boolean {
    return this.#once > 0;
  }

  /** @param busy Whether the lock is known to be held, so that the caller waits from the start. */
  join<R>(
    request: LockRequest,
    busy: boolean,
    isInside: boolean,
    now: number,
    to: Reception<T, R>,
  ): Promise<R> {
    // What bounds a call that takes one try is how long an answer may take.
    const bound = request.wait === 0 ? this.settings.commandTimeout + GRACE_MS : request.wait;
    const waiter = new Waiter<T>(request, this.clock, bound, this, isInside, now, to);
    this.#waiters.add(waiter);
    if (waiter.once) this.#once += 1;
    if (busy && !waiter.once) this.#announce(waiter);
    return waiter.promise as Promise<R>;
  }

  /** Takes the first caller out; the queue's owner gives it the lock. */
  take(now: number): Waiter<T> | undefined {
    const head = this.#waiters.first;
    if (head === undefined) return undefined;
    this.#remove(head);
    this.last = { label: head.request.label, at: now };
    this.owner.shrunk();
    return head;
  }

  /**
   * The lock is busy: tells those that wait, and turns away those that take one try only, and who are too many.
   *
   * @param promised Callers that may still get it by what it was asked for already.
   */
  busy(promised = 0): void {
    if (this.#waiters.size === 0) return;
    let places = this.settings.maxWaiters + promised;
    for (const waiter of this.#waiters) {
      // What listens to one of them may have ended the wait of another.
      if (!waiter.listed) continue;
      if (waiter.once) {
        this.#dismiss(waiter, () => this.#timedOut(waiter, this.owner.busyFor));
      } else if (places === 0) {
        this.#dismiss(waiter, () => this.full(this.settings.maxWaiters));
      } else {
        places -= 1;
        this.#announce(waiter);
      }
    }
  }

  /** Tells that so many wait already. */
  full(waiting: number): LockQueueFullError {
    return new LockQueueFullError([this.owner.key], waiting, this.owner.busyFor);
  }

  /** Turns everybody away, or those that `isMeant` names by whether they wait inside a held section. */
  clear(error: () => LockError, isMeant: (isInside: boolean) => boolean = () => true): void {
    for (const waiter of this.#waiters) if (isMeant(waiter.isInside)) this.#dismiss(waiter, error);
  }

  /** Tells that a call found the lock busy. */
  timedOut(request: LockRequest, waitedMs: number, leaseLeft?: number): LockTimeoutError {
    const { key, holder } = this.owner;
    this.events.of(request).timeout.tell({ ...eventOf(key, request), waitedMs, holder });
    return new LockTimeoutError([key], key, waitedMs, leaseLeft, holder);
  }

  tells({ observed, events = this.events.topics }: LockRequest): boolean {
    return observed !== undefined || events.timeout.isHeard || events.unavailable.isHeard;
  }

  left(waiter: Waiter<T>, aborted?: { readonly reason: unknown }): void {
    this.#dismiss(waiter, () => (aborted ? aborted.reason : this.#expired(waiter)));
  }

  #announce(waiter: Waiter<T>): void {
    if (waiter.announced) return;
    waiter.announced = true;
    const { waiting } = this.events.of(waiter.request);
    if (waiting.isHeard) waiting.tell(eventOf(this.owner.key, waiter.request));
  }

  /** @param why Tells listeners, who may give the lock back: not to a call that is told that it was busy. */
  #dismiss(waiter: Waiter<T>, why: () => unknown): void {
    if (!this.#remove(waiter)) return;
    const reason = why();
    waiter.request.observed?.refused(reason);
    waiter.reject(reason);
    this.owner.shrunk();
  }

  #remove(waiter: Waiter<T>): boolean {
    const isListed = this.#waiters.delete(waiter);
    if (isListed && waiter.once) this.#once -= 1;
    return isListed;
  }

  #expired(waiter: Waiter<T>): LockError {
    const { key, busyFor, failure } = this.owner;
    if (busyFor !== undefined) return this.#timedOut(waiter, busyFor);
    const { request, waitedMs } = waiter;
    const error = unanswered([key], waitedMs, failure);
    this.events.of(request).unavailable.tell({ ...eventOf(key, request), error });
    return error;
  }

  #timedOut(waiter: Waiter<T>, leaseLeft: number | undefined): LockTimeoutError {
    const waitedMs = waiter.once ? 0 : Math.ceil(waiter.waitedMs);
    return this.timedOut(waiter.request, waitedMs, leaseLeft);
  }
}
