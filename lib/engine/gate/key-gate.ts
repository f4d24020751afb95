import type { AcquisitionOwner } from '../acquire/acquisition-owner.js';
import { Acquisition } from '../acquire/acquisition.js';
import type { LockConfigError, LockError, LockUnavailableError } from '../api/errors.js';
import type { LockHolder } from '../api/lock-holder.js';
import type { LockRequest } from '../api/lock-options.js';
import type { CallerLock, ToCaller } from '../hold/caller-lock.js';
import { fencesToStart } from '../hold/handoff-policy.js';
import type { TenureGrant, TenureOwner } from '../hold/tenure-owner.js';
import { Tenure } from '../hold/tenure.js';
import { CallerQueue, type CallerQueueOwner } from '../queue/caller-queue.js';
import type { Yield } from '../store/yield.js';
import { refusalOf, turnAway } from './entry-refusal.js';
import type { Gate, GateContext } from './gate-context.js';
import { GateTokens } from './gate-tokens.js';

/**
 * The callers in this process that ask for one key in one way: first come, first served, no more
 * places in the store's queue than callers that wait, and leases that pass between them, as many as
 * the key has permits. To the store two ways of asking are as two processes.
 *
 * @see Dice, Marathe, Shavit: Lock Cohorting, PPoPP 2012. Ours bounds a turn by count and by time.
 */
export class KeyGate
  implements Gate, AcquisitionOwner<Acquisition>, CallerQueueOwner, TenureOwner<Tenure>
{
  readonly #callers: CallerQueue<CallerLock>;
  readonly #tokens: GateTokens;
  #failure: LockUnavailableError | undefined;

  constructor(
    readonly key: string,
    readonly capacity: number,
    private readonly context: GateContext,
  ) {
    this.#tokens = new GateTokens(capacity);
    const { clock, events, settings } = context;
    this.#callers = new CallerQueue(this, clock, events, settings);
  }

  /** Gives the lock to this call when its turn comes. */
  enter<R>(request: LockRequest, isInside: boolean, to: ToCaller<R>): Promise<R> {
    const { open } = this.#tokens;
    const busy = open === undefined && this.#tokens.areBusy;
    const error = refusalOf(request, busy, this.#callers, this.#tokens, this.context.settings);
    if (error !== undefined) return turnAway(request, error, to);
    const now = this.context.clock.now();
    const entered = this.#callers.join(request, busy, isInside, now, to);
    if (open !== undefined) open.offer('local');
    else if (this.#tokens.missing(this.#callers.size) > 0) this.#seek();
    else this.#tokens.stir(request.wait === 0, now);
    return entered;
  }

  /** Turns waiters away. */
  clear(error: () => LockError, isMeant: (isInside: boolean) => boolean): void {
    this.#callers.clear(error, isMeant);
  }

  /** Takes the lock from the callers that have it. */
  evict(why: string): void {
    for (const tenure of this.#tokens.tenures) tenure.evict(why);
  }

  /** The store can't be reached: whether the lock is still busy is not known. */
  unreachable(): void {
    for (const each of [...this.#tokens.acquisitions, ...this.#tokens.tenures]) each.doubt();
  }

  /** The store can be reached again, or pushes may have been missed. */
  reconnected(): void {
    for (const acquisition of this.#tokens.acquisitions) acquisition.hurry();
  }

  get size(): number {
    return this.#callers.size;
  }

  get longestWait(): number {
    return this.#callers.longestWait;
  }

  get holder(): LockHolder | undefined {
    return this.#tokens.holder(this.#callers.last, this.context.clock.now());
  }

  /** Callers that each place in the store's queue stands for. */
  get waiters(): number {
    return Math.max(1, Math.round(this.#callers.size / this.#tokens.acquisitions.length));
  }

  labelOf(token: string): string | undefined {
    return this.#tokens.labelOf(token);
  }

  get patient(): boolean {
    return this.#callers.patient;
  }

  get ttl(): number {
    return this.#callers.first?.ttl ?? this.context.settings.ttl;
  }

  get label(): string {
    return this.#callers.behind(this.#tokens.acquisitions.length - 1)?.label ?? '';
  }

  get fences(): number {
    return fencesToStart(this.#callers.size, this.context.settings.localHandoffs);
  }

  get busyFor(): number | undefined {
    return this.#tokens.known?.busyFor();
  }

  get places(): number {
    return this.#tokens.places;
  }

  behind(tenure: Tenure): number {
    return this.#tokens.speaks(tenure) ? this.#callers.size : 0;
  }

  get failure(): LockUnavailableError | undefined {
    return this.#failure ?? this.context.outage([this.key]);
  }

  won(from: Acquisition, grant: TenureGrant, via: 'free' | 'handoff'): void {
    this.#tokens.endSearch(from);
    this.#begin(grant).offer(via);
    this.#balance();
  }

  /** The lock was taken for this call, together with others. */
  adopt(request: LockRequest, grant: TenureGrant): CallerLock {
    const lock = this.#begin(grant).admit(request);
    this.held();
    this.#balance();
    return lock;
  }

  held(): void {
    if (this.#tokens.areTaken) this.#callers.busy();
  }

  changed(): void {
    this.#balance();
  }

  ended(tenure: Tenure, yields?: Yield): void {
    this.#tokens.end(tenure);
    this.#balance(yields);
  }

  busy(): void {
    this.#failure = undefined;
    this.#callers.busy(this.#tokens.promised);
  }

  failed(error: LockUnavailableError): void {
    this.#failure = error;
  }

  refused(from: Acquisition, error: LockConfigError): void {
    this.#tokens.endSearch(from);
    this.#callers.clear(() => error);
  }

  /** Fewer callers wait: what is sought for nobody is given up. */
  shrunk(): void {
    this.#tokens.trim(this.#callers.size);
    if (this.#tokens.tenures.length === 0 && this.#callers.size === 0) this.context.emptied(this);
  }

  #begin(grant: TenureGrant): Tenure {
    this.#failure = undefined;
    const tenure = new Tenure(this.context, this.#callers, this, grant);
    this.#tokens.hold(tenure);
    return tenure;
  }

  /** Seeks as many tokens as the callers can use. */
  #balance(yields?: Yield): void {
    let first = yields;
    this.shrunk();
    for (let missing = this.#tokens.missing(this.#callers.size); missing > 0; missing -= 1) {
      this.#seek(first);
      first = undefined;
    }
    first?.settle(undefined);
  }

  #seek(yields?: Yield): void {
    const acquisition = new Acquisition(this, this.context);
    this.#tokens.seek(acquisition);
    acquisition.ask(yields);
  }
}
