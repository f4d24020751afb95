import { EXCLUSIVE, SHARED } from '../api/capacity.js';
import type { DetachedLock } from '../api/detached-lock.js';
import { LockShutdownError } from '../api/errors.js';
import type { LockEventEmitter } from '../api/lock-event-emitter.js';
import type { LockKeys } from '../api/lock-key.js';
import type { LockRequest, LockSettings } from '../api/lock-options.js';
import type { CallerLock, ToCaller } from '../hold/caller-lock.js';
import { HolderEvents } from '../hold/holder-events.js';
import { LeaseRenewer } from '../hold/lease-renewer.js';
import type { LocalState } from '../store/lock-info.js';
import { LockMover } from '../store/lock-mover.js';
import type { LockStore, StoreTrouble } from '../store/lock-store.js';
import { ReleaseRetrier } from '../store/release-retrier.js';
import { TokenRoutes } from '../store/token-routes.js';
import { TokenMint } from '../store/token.js';
import { Troubles } from '../store/troubles.js';
import { atMost } from '../time/at-most.js';
import type { Clock } from '../time/clock.js';
import { AnswerWait, type LinelessCall } from './answer-wait.js';
import { AttachedGate } from './attached-gate.js';
import { turnAway } from './entry-refusal.js';
import type { Gate, GateContext } from './gate-context.js';
import { JointAttempt } from './joint-attempt.js';
import { KeyGate } from './key-gate.js';

/** How long a shutdown waits for the last answers of Redis, whatever `commandTimeout` is. */
const LAST_ANSWERS_MS = 10_000;

/** The gates of all keys in use, and what they share. A key that is not in use has none. */
export class GateRegistry {
  readonly store: LockStore;
  readonly troubles: Troubles;
  readonly #gates = new Map<string, KeyGate>();
  /** Locks that were attached, and calls that wait in no line. */
  readonly #others = new Set<Gate>();
  readonly #mint = new TokenMint();
  readonly releaser: ReleaseRetrier;
  readonly mover: LockMover;
  readonly #renewer: LeaseRenewer;
  readonly #context: GateContext;
  #drained: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(
    readonly settings: LockSettings,
    openStore: (boot: string, clock: Clock) => LockStore,
    events: LockEventEmitter,
    private readonly clock: Clock,
  ) {
    this.troubles = new Troubles(clock);
    const store = (this.store = openStore(this.boot, clock));
    const releaser = (this.releaser = new ReleaseRetrier(store, clock));
    const renewer = (this.#renewer = new LeaseRenewer(store, clock, settings.commandTimeout));
    const routes = new TokenRoutes(releaser, {
      unreachable: (trouble) => this.#unreachable(trouble),
      troubled: (trouble) => this.troubles.add(trouble),
      reconnected: () => this.#reconnected(),
    });
    this.#context = {
      settings,
      store,
      clock,
      mint: this.#mint,
      releaser,
      mover: (this.mover = new LockMover(store, clock, settings.commandTimeout)),
      renewer,
      routes,
      events,
      holderEvents: new HolderEvents(events),
      outage: (keys) => this.troubles.outage(keys),
      began: (gate) => void this.#others.add(gate),
      emptied: (gate) => this.#emptied(gate),
    };
    store.listen(routes);
  }

  /** What this process is called in the store. */
  get boot(): string {
    return this.#mint.boot;
  }

  /** @param isInside Whether the call is made inside a held section, which may end while the application closes. */
  enter<R>(key: string, request: LockRequest, isInside: boolean, to: ToCaller<R>): Promise<R> {
    if (request.signal?.aborted) return turnAway(request, request.signal.reason, to);
    return this.#gate(key, request).enter(request, isInside, to);
  }

  /** Whether this process neither has nor seeks any of these keys in this way. */
  areIdle(keys: readonly string[], { capacity }: LockRequest): boolean {
    return keys.every((key) => !this.#gates.has(gateId(key, capacity)));
  }

  /** One try to take several locks in one step, if all are free. */
  together(keys: LockKeys, request: LockRequest): JointAttempt {
    return new JointAttempt(keys, request, this.#context, (key, grant) =>
      this.#gate(key, request).adopt(request, grant),
    );
  }

  /** An answer that a call waits for in no line, `bound` ms at most. */
  inTime<T>(call: LinelessCall, bound: number, answer: Promise<T>): Promise<T> {
    return new AnswerWait<T>(call, bound, this.#context).for(answer);
  }

  /** Takes over a lock that was detached. */
  attach(detached: DetachedLock, request: LockRequest, isInside: boolean): Promise<CallerLock> {
    this.mover.check([detached.key]);
    return new AttachedGate(detached, this.#context).attach(request, isInside);
  }

  /** What is known here of `key`: more than the store has heard. */
  stateOf(key: string, capacity: number): LocalState {
    const ids = new Set([EXCLUSIVE, SHARED, capacity].map((each) => gateId(key, each)));
    const gates = [...ids].flatMap((id) => this.#gates.get(id) ?? []);
    const waiters = gates.reduce((sum, { size }) => sum + size, 0);
    const labelOf = (token: string): string | undefined =>
      gates.map((gate) => gate.labelOf(token)).find((label) => label !== undefined);
    return { boot: this.boot, waiters, labelOf };
  }

  /** The callers that wait in this process, and how long the first of them has, in milliseconds. */
  get waiting(): { readonly callers: number; readonly longestMs: number } {
    let callers = 0;
    let longestMs = 0;
    for (const gate of this.#gates.values()) {
      callers += gate.size;
      longestMs = Math.max(longestMs, gate.longestWait);
    }
    return { callers, longestMs };
  }

  /** The application is closing: turns waiters away, but those that wait inside a held section. */
  clear(): void {
    this.#clear((isInside) => !isInside);
  }

  /** Waits until no lock is held or waited for, at most `timeout` ms; then those that are held count as lost. */
  drain(timeout: number): Promise<void> {
    return (this.#drained ??= this.#drain(timeout));
  }

  async close(): Promise<void> {
    this.releaser.close();
    this.#renewer.close();
    await this.store.close();
  }

  async #drain(timeout: number): Promise<void> {
    if (this.#all.length > 0) {
      const empty = new Promise<void>((resolve) => (this.#onEmpty = resolve));
      await atMost(timeout, empty, this.clock);
    }
    for (const gate of this.#all) gate.evict('the application is closing.');
    this.#clear(() => true);
    const answers = this.mover.finish().then(() => this.releaser.settled());
    await atMost(LAST_ANSWERS_MS, answers, this.clock);
  }

  #clear(isMeant: (isInside: boolean) => boolean): void {
    for (const gate of this.#all) gate.clear(() => new LockShutdownError([gate.key]), isMeant);
  }

  #gate(key: string, { capacity }: LockRequest): KeyGate {
    const id = gateId(key, capacity);
    let gate = this.#gates.get(id);
    if (gate === undefined) this.#gates.set(id, (gate = new KeyGate(key, capacity, this.#context)));
    return gate;
  }

  #unreachable(trouble: StoreTrouble): void {
    this.troubles.began(trouble);
    for (const gate of this.#all) gate.unreachable();
  }

  #reconnected(): void {
    this.troubles.ended();
    this.releaser.retry();
    this.#renewer.renewAll();
    for (const gate of this.#all) gate.reconnected();
  }

  get #all(): readonly Gate[] {
    return [...this.#gates.values(), ...this.#others];
  }

  #emptied(gate: Gate): void {
    const id = gateId(gate.key, gate.capacity);
    if (this.#gates.get(id) === gate) this.#gates.delete(id);
    this.#others.delete(gate);
    if (this.#gates.size + this.#others.size === 0) this.#onEmpty?.();
  }
}

/** No lock key begins with `!`. */
function gateId(key: string, capacity: number): string {
  return capacity === EXCLUSIVE ? key : `!${capacity}!${key}`;
}
