import { CallKeys } from './api/call-keys.js';
import { isLockError, LockLostError, LockShutdownError } from './api/errors.js';
import { LockEventEmitter } from './api/lock-event-emitter.js';
import { checkKey, type LockKey, type LockKeys } from './api/lock-key.js';
import { checkTask, requestOf, resolveRequest } from './api/lock-options.check.js';
import { askedLock, LockObservers } from './api/lock-observers.js';
import type { AttachOptions, LockOptions, LockRequest, LockSettings } from './api/lock-options.js';
import type { Lock, LockInfo } from './api/lock.js';
import { asItIs, receive, type Reception } from './api/reception.js';
import { attachRequest } from './gate/attach-request.js';
import { GateRegistry } from './gate/gate-registry.js';
import { LockViewer } from './lock-viewer.js';
import { runApart } from './reentry/async-place.js';
import { LockContext, LockedSection } from './reentry/lock-context.js';
import { DroppedLocks, type ToHandle } from './reentry/dropped-locks.js';
import { LockOrder } from './reentry/lock-order.js';
import { reenter } from './reentry/reentered-lock.js';
import type { ReentrantLock } from './reentry/reentrant-lock.js';
import type { ReentryContext } from './reentry/reentry-queue.js';
import { LockSets } from './set/lock-sets.js';
import type { LockStore } from './store/lock-store.js';
import { readTicket } from './store/lock-ticket.js';
import type { KnownTrouble } from './store/troubles.js';
import { type Clock, systemClock } from './time/clock.js';

/** The locks of one process in one store: what `LockService` and `@Locked` stand on. */
export class LockManager {
  readonly events = new LockEventEmitter(runApart);
  readonly observers = new LockObservers();
  readonly viewer: LockViewer;
  /** Unset unless the watch is on. */
  readonly order: LockOrder | undefined;
  readonly #gates: GateRegistry;
  readonly #contexts = new LockContext();
  readonly #dropped: DroppedLocks;
  readonly #keys = new CallKeys();
  readonly #usual: LockRequest;
  readonly #reentry: ReentryContext;
  readonly #sets: LockSets;
  #closing = false;
  #closed: Promise<void> | undefined;

  /** @param openStore Opens the store for the process that is named `boot` there. */
  constructor(
    readonly settings: LockSettings,
    openStore: (boot: string, clock: Clock) => LockStore,
    private readonly clock: Clock = systemClock,
  ) {
    this.#gates = new GateRegistry(settings, openStore, this.events, clock);
    this.viewer = new LockViewer(this.#gates.store, this.#gates);
    this.#usual = resolveRequest(undefined, settings);
    this.#dropped = new DroppedLocks(clock);
    this.#reentry = { clock, events: this.events };
    if (settings.lockOrderWatch) this.order = new LockOrder();
    this.#sets = new LockSets(this.#gates, this.#contexts, this.#reentry, () => this.#closing);
  }

  /** Whether the shutdown has begun. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Tells why the store can't be used, whether or not a call fails by it. */
  onTrouble(listener: (trouble: KnownTrouble) => void): void {
    this.#gates.troubles.listen(listener);
  }

  /** Waits for the lock and takes it. Inside a section of the same key it re-enters. Its errors go through `failed`. */
  acquire(key: LockKey, options?: LockOptions, failed?: ToHandle['failed']): Promise<Lock> {
    const to = this.#dropped.toHandle(failed);
    try {
      return this.#take(key, this.#request(options), to);
    } catch (error) {
      return Promise.reject(to.failed(error));
    }
  }

  /** Tries once; `null` when the lock is busy. */
  async tryAcquire(key: LockKey, options?: Omit<LockOptions, 'wait'>): Promise<Lock | null> {
    try {
      const once = { ...this.#request(options), wait: 0 };
      return this.#dropped.handleOf(await this.#take(key, once, asItIs()));
    } catch (error) {
      // What the caller aborts with may be such an error too, of another call.
      if (isLockError(error, 'LOCK_TIMEOUT') && error !== options?.signal?.reason) return null;
      throw error;
    }
  }

  /** Takes over a lock that was detached, here or in another process; once. */
  async attach(ticket: string, options?: AttachOptions): Promise<Lock> {
    const detached = readTicket(ticket);
    const { keys, request } = attachRequest(detached, options, this.settings);
    const isInside = this.#isInside(keys);
    const asked = this.#observed(keys, request);
    return this.#dropped.handleOf(await this.#sets.attach(detached, keys, asked, isInside));
  }

  /** Runs `task` while holding the lock. */
  async withLock<T>(
    key: LockKey,
    task: (lock: Lock) => T | Promise<T>,
    options?: LockOptions,
  ): Promise<T> {
    const checked = checkTask(task);
    return this.runLocked(key, this.#request(options), checked);
  }

  /** {@link withLock} for resolved options; `task` gets the section too, to go on inside it from another context. */
  async runLocked<T>(
    key: LockKey,
    request: LockRequest,
    task: (lock: Lock, section: LockedSection) => T | Promise<T>,
  ): Promise<T> {
    const section = new LockedSection(await this.#take(key, request, asItIs()), this.#contexts);
    const startedAt = this.clock.now();
    let result: T;
    try {
      result = await section.run(() => task(section.lock, section));
    } catch (error) {
      await section.endWithResult();
      throw error;
    }
    if ((await section.endWithResult()) === 'lost' && request.onLost === 'throw') {
      const heldMs = section.lostError?.heldMs ?? this.clock.now() - startedAt;
      const why = 'its task ran on and has returned; what it returned is in `result`.';
      throw new LockLostError(section.lock.keys, heldMs, why, result);
    }
    return result;
  }

  /** The innermost lock of the running context; of `key` when given. */
  current(key?: string): Lock | undefined {
    return this.#contexts.current(key);
  }

  /** Who holds the lock; `null`: nobody. */
  inspect(key: string): Promise<LockInfo | null> {
    return this.viewer.inspect(key);
  }

  /** All locks of this prefix; `match` is a glob as of Redis' `KEYS`. Not a snapshot. */
  list(options?: { match?: string }): AsyncIterable<LockInfo> {
    return this.viewer.list(options);
  }

  /** Takes the lock from its holder and hands it over; `false` for a foreign lock or none. */
  async forceRelease(key: string): Promise<boolean> {
    return this.#gates.store.revoke(checkKey(key));
  }

  /**
   * Shutdown, first phase: waiters are turned away, new calls refused. Holders go on, with all that they
   * ask for from inside their sections.
   */
  stopWaiting(): void {
    this.#closing = true;
    this.#gates.clear();
  }

  /** Second phase: running holders end, or lose their locks after `shutdownTimeout`. */
  async drain(): Promise<void> {
    this.stopWaiting();
    await this.#gates.drain(this.settings.shutdownTimeout);
    this.#dropped.close();
  }

  /** The whole shutdown, and the end of the store's connections. Idempotent. */
  close(): Promise<void> {
    return (this.#closed ??= this.drain().then(() => this.#gates.close()));
  }

  #request(options: LockOptions | undefined): LockRequest {
    return options === undefined ? this.#usual : resolveRequest(options, this.settings);
  }

  #take<R>(key: LockKey, request: LockRequest, to: Reception<ReentrantLock, R>): Promise<R> {
    const keys = this.#keys.of(key);
    const outer = this.#contexts.holderOf(keys);
    if (outer !== undefined) return receive(reenter(outer, keys, request, this.#reentry), to);
    this.order?.asked(keys, request, this.#contexts);
    const isInside = this.#isInside(keys);
    return this.#sets.enter(keys, this.#observed(keys, request), isInside, to);
  }

  /** Whether the call is made inside a held section: as the application closes, no other may ask. */
  #isInside(keys: LockKeys): boolean {
    const enclosing = this.#contexts.find();
    const isInside = enclosing !== undefined && enclosing.lostError === undefined;
    if (this.#closing && !isInside) throw new LockShutdownError(keys);
    return isInside;
  }

  #observed(keys: LockKeys, request: LockRequest): LockRequest {
    if (!this.observers.any) return request;
    return requestOf(request, request.signal, this.observers.asked(askedLock(keys, request)));
  }
}
