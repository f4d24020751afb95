import { LockTimeoutError } from '../api/errors.js';
import type { LockEventEmitter } from '../api/lock-event-emitter.js';
import { eventOf } from '../api/lock-events.js';
import type { LockKeys } from '../api/lock-key.js';
import { holderHere } from '../api/lock-holder.js';
import type { Lock } from '../api/lock.js';
import type { LockRequest } from '../api/lock-options.js';
import { WaiterList } from '../queue/waiter-list.js';
import { Waiter } from '../queue/waiter.js';
import type { Clock, Timer } from '../time/clock.js';

/** What all re-entries of one process share. */
export interface ReentryContext {
  readonly clock: Clock;
  readonly events: LockEventEmitter;
}

/** A re-entry that keeps a released lock for so long, or for its `ttl`, was perhaps forgotten. */
const PATIENCE_MS = 10_000;

/**
 * Lets calls that re-enter one held lock take turns, in call order. Each holder has its own:
 * a nested call waits for its siblings, never for its parent.
 */
export class ReentryQueue {
  readonly #waiting: WaiterList<void>;
  readonly #idle: (() => void)[] = [];
  /** The call whose turn it is. */
  #running: LockRequest | undefined;
  #runningSince = 0;
  #patience: Timer | undefined;

  constructor(
    private readonly lock: Pick<Lock, 'key' | 'remainingMs'>,
    private readonly context: ReentryContext,
  ) {
    this.#waiting = new WaiterList(context.clock);
  }

  /**
   * Resolves when it is the caller's turn; rejects after `wait` or when aborted.
   *
   * @param keys Those that the call asks for: the lock may be of more.
   */
  async take(request: LockRequest, keys: LockKeys = [this.lock.key]): Promise<void> {
    request.signal?.throwIfAborted();
    if (this.#running === undefined) {
      this.#begin(request);
      return;
    }
    if (request.wait === 0) throw this.#timedOut(request, keys, 0);
    const { clock } = this.context;
    const { waiting, timeout } = this.context.events.of(request);
    const waiter = new Waiter<void>(request, clock, request.wait, {
      left: (leaver, aborted) => this.#left(leaver, keys, aborted),
      tells: () => timeout.isHeard,
    });
    this.#waiting.add(waiter);
    if (waiting.isHeard) waiting.tell(eventOf(keys[0], request, keys));
    await waiter.promise;
  }

  /** Ends a turn. */
  endTurn(): void {
    const next = this.#waiting.first;
    this.#begin(next?.request);
    if (next !== undefined) {
      this.#waiting.delete(next);
      next.resolve();
      return;
    }
    this.context.clock.cancel(this.#patience);
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves at the end of the last turn; by then another may have begun: look at {@link busy} again. */
  idle(): Promise<void> {
    if (this.#idle.length === 0) {
      const ms = Math.min(PATIENCE_MS, this.#running?.ttl ?? PATIENCE_MS);
      this.#patience = this.context.clock.after(ms, () => this.#warn(), 'observer');
    }
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #left(waiter: Waiter<void>, keys: LockKeys, aborted?: { readonly reason: unknown }): void {
    this.#waiting.delete(waiter);
    waiter.reject(aborted ? aborted.reason : this.#timedOut(waiter.request, keys, waiter.waitedMs));
  }

  #begin(request: LockRequest | undefined): void {
    this.#running = request;
    this.#runningSince = this.context.clock.now();
  }

  #timedOut(request: LockRequest, keys: LockKeys, waitedMs: number): LockTimeoutError {
    const { clock, events } = this.context;
    const { remainingMs } = this.lock;
    const heldMs = clock.now() - this.#runningSince;
    const holder = holderHere(this.#running?.label ?? '', heldMs, remainingMs);
    events.of(request).timeout.tell({ ...eventOf(keys[0], request, keys), waitedMs, holder });
    return new LockTimeoutError(keys, keys[0], waitedMs, remainingMs, holder);
  }

  #warn(): void {
    const label = this.#running?.label ?? '';
    process.emitWarning(
      `Lock ${JSON.stringify(this.lock.key)} was released, but a call that re-entered it` +
        `${label === '' ? '' : ` (${label})`} has not released it yet: it stays held until then.`,
      { type: 'LockWarning', code: 'LOCK_NESTED' },
    );
  }
}
