import { LockShutdownError, LockTimeoutError, LockUnavailableError } from '../api/errors.js';
import { eventOf, type LockEventEmitter } from '../api/lock-events.js';
import type { LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import type { GateRegistry } from '../gate/gate-registry.js';
import { CallerLock } from '../hold/caller-lock.js';
import { Waiter } from '../queue/waiter.js';
import type { ReentrantLock } from '../reentry/reentrant-lock.js';
import { holderOf } from '../store/holder-of.js';
import type { BusyMember } from '../store/set-store.js';
import type { Clock } from '../time/clock.js';
import { errorOfSet, unavailableSet } from './set-errors.js';
import { SetEvents } from './set-events.js';

/** One of the locks that a call for several keys takes. */
export type SetMember = CallerLock | ReentrantLock;
/** Takes it; bounded by the request's `wait`. */
export type SetStep = (request: LockRequest) => Promise<SetMember>;

/** What all calls for several keys of one process share. */
export interface SetCallContext {
  readonly gates: GateRegistry;
  readonly clock: Clock;
  readonly events: LockEventEmitter;
  /** Whether the application is closing. */
  isClosing(): boolean;
}

/** A call that failed is told so even if Redis does not confirm what it gives back, in milliseconds. */
const GIVE_BACK_MS = 80;
/** Until so long after its `wait` a call hears the answer to a key for which it asked just before, in milliseconds. */
const GRACE_MS = 50;

/** One call for several keys: takes all of them or none, within one `wait`. */
export class SetCall {
  /** Why they could not be taken in one step. */
  trouble: LockUnavailableError | undefined;
  readonly #startedAt: number;
  readonly #events: SetEvents;

  constructor(
    readonly keys: LockKeys,
    private readonly request: LockRequest,
    private readonly isInside: boolean,
    private readonly context: SetCallContext,
  ) {
    this.#startedAt = context.clock.now();
    this.#events = new SetEvents(this, context.events);
  }

  get waitedMs(): number {
    return this.context.clock.now() - this.#startedAt;
  }

  /** The call has all of them; returns how it came by the last for which it had to wait. */
  entered(): SetEvents['via'] {
    this.#events.isHeld = true;
    return this.#events.via;
  }

  /** Whether all of them may be free: none is in use here. One try is always one step. */
  get mayBeFree(): boolean {
    return this.request.wait === 0 || this.context.gates.areIdle(this.keys, this.request);
  }

  /**
   * All of them in one step; `undefined`: not all are free, and one is to be waited for after another.
   *
   * @throws {LockTimeoutError} One is busy, and the call does not wait.
   */
  async together(): Promise<readonly SetMember[] | undefined> {
    const { gates } = this.context;
    const { keys, request } = this;
    try {
      const outcome = await gates.enterTogether(keys, this.#whole(), this.isInside);
      if (outcome.kind === 'held') return lastFirst(outcome.locks);
      if (outcome.kind === 'busy' && request.wait === 0) throw this.#busy(outcome);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw this.#errorOf(error);
      if (request.wait === 0 || this.#left <= 0) throw this.#unavailable(error);
      this.trouble = error;
    }
    return undefined;
  }

  /**
   * One after another. What the call has is renewed while it waits for the rest, and given back when it
   * fails; when one of them is lost meanwhile it begins again.
   *
   * @param steps In the order in which everybody takes them.
   */
  async oneByOne(steps: readonly SetStep[]): Promise<readonly SetMember[]> {
    const taken: SetMember[] = [];
    try {
      for (;;) {
        // At once: a call has its place in line from where it is made.
        for (const step of steps) taken.unshift(await step(this.#part()));
        if (await this.#settle(taken)) return taken;
        await this.#giveBack(taken.splice(0));
      }
    } catch (error) {
      await this.#giveBack(taken);
      throw this.#errorOf(error);
    }
  }

  /** What is left of `wait`, in milliseconds. */
  get #left(): number {
    return this.request.wait === 0 ? 0 : this.request.wait - this.waitedMs;
  }

  /** What is asked of each key once all are there; the rest is for the whole. */
  #whole(): LockRequest {
    const { request } = this;
    return { ...request, maxHold: Infinity, observed: undefined, events: this.#events };
  }

  /** What is asked of a key while others are still to come: nothing of it outlasts a failure. */
  #part(): LockRequest {
    this.#refuseIfClosing();
    const left = this.#left;
    const bound = left < GRACE_MS ? Math.max(1, left + GRACE_MS) : left;
    const wait = this.request.wait === 0 ? 0 : bound;
    return { ...this.#whole(), wait, minHold: 0, renew: true };
  }

  /** All are there: whether each is still held, with a lease as if it were taken just now. */
  async #settle(taken: readonly SetMember[]): Promise<boolean> {
    const whole = this.#whole();
    const own = taken.filter((lock) => lock instanceof CallerLock);
    const confirmed = await this.#inTime(Promise.all(own.map((lock) => lock.settle(whole))));
    this.#refuseIfClosing();
    const areConfirmed = confirmed.every(Boolean);
    if (areConfirmed && taken.every(({ remainingMs }) => remainingMs > 0)) return true;
    if (this.#left > 0) return false;
    const why = 'a key was lost while the others were waited for.';
    throw this.#unavailable(new LockUnavailableError(this.keys, why));
  }

  /** An answer, unless the call's `wait` ends before or its caller aborts. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    const { signal, wait } = this.request;
    const bound = wait === 0 ? Infinity : Math.max(0, this.#left) + GRACE_MS;
    const waiter = new Waiter<T>(this.request, this.context.clock, bound, {
      left: (late, aborted) => late.reject(aborted === undefined ? this.#late() : aborted.reason),
    });
    if (signal?.aborted === true) waiter.reject(signal.reason);
    answer.then(
      (value) => waiter.resolve(value),
      (reason: unknown) => waiter.reject(reason),
    );
    return waiter.promise;
  }

  #late(): LockUnavailableError {
    const why = 'Redis did not confirm the leases in time.';
    return this.#unavailable(new LockUnavailableError(this.keys, why));
  }

  /** It waits in no line in which the shutdown would find it. */
  #refuseIfClosing(): void {
    if (this.context.isClosing() && !this.isInside) throw new LockShutdownError(this.keys);
  }

  async #giveBack(taken: readonly SetMember[]): Promise<void> {
    const { clock } = this.context;
    const released = taken.map((lock) => lock.release());
    await new Promise<void>((resolve) => {
      const timer = clock.after(GIVE_BACK_MS, resolve);
      void Promise.allSettled(released).then(() => resolve(clock.cancel(timer)));
    });
  }

  #errorOf(error: unknown): unknown {
    if (error instanceof LockUnavailableError)
      return unavailableSet(error, this.keys, this.trouble);
    return errorOfSet(error, this.keys, this.waitedMs);
  }

  #busy({ key, leaseLeft, holder }: BusyMember): LockTimeoutError {
    const by = holder === undefined ? undefined : holderOf(holder, leaseLeft);
    this.#events.emit('timeout', { ...eventOf(key, this.request), waitedMs: 0, holder: by });
    return new LockTimeoutError(this.keys, key, 0, leaseLeft, by);
  }

  #unavailable(error: LockUnavailableError): LockUnavailableError {
    const own = unavailableSet(error, this.keys);
    this.#events.emit('unavailable', { ...eventOf(this.keys[0], this.request), error: own });
    return own;
  }
}

/** What was taken last is given back first. */
function lastFirst<T>(taken: readonly T[]): T[] {
  return taken.map((_, i) => taken[taken.length - 1 - i] as T);
}
