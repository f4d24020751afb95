import { LockShutdownError, LockTimeoutError, LockUnavailableError } from '../api/errors.js';
import { eventOf, type LockEventTopics } from '../api/lock-events.js';
import type { LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import type { LinelessCall } from '../gate/answer-wait.js';
import type { GateRegistry } from '../gate/gate-registry.js';
import type { JointOutcome } from '../gate/joint-attempt.js';
import { holderOf } from '../store/holder-of.js';
import type { BusyMember } from '../store/set-store.js';
import { backoff } from '../time/backoff.js';
import { type Clock, pause } from '../time/clock.js';
import { giveBack } from './give-back.js';
import { errorOfSet } from './set-errors.js';
import { SetEvents } from './set-events.js';
import type { SetMember, SetStep } from './set-member.js';

/** What all calls for several keys of one process share. */
export interface SetCallContext {
  readonly gates: GateRegistry;
  readonly clock: Clock;
  readonly events: LockEventTopics;
  /** Whether the application is closing. */
  isClosing(): boolean;
}

/** Until so long after its time a call hears the answer to what it asked just before, in milliseconds. */
const GRACE_MS = 50;

/** One call for several keys: takes all of them or none, within one `wait`. */
export class SetCall implements LinelessCall {
  /** Why they could not be taken in one step. */
  trouble: LockUnavailableError | undefined;
  readonly #startedAt: number;
  readonly #events: SetEvents;

  constructor(
    readonly keys: LockKeys,
    readonly request: LockRequest,
    readonly isInside: boolean,
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

  /** Whether it waits for nothing: all that it takes has to be there at once. */
  get once(): boolean {
    return this.request.wait === 0;
  }

  /**
   * All of them in one step; `undefined`: not all are free, and one is to be waited for after another.
   *
   * @param keys Those that the calling context does not hold.
   * @param reentries Locks that it holds, and that the call re-enters: none, unless the call takes one try.
   * @throws {LockTimeoutError} One is busy, and the call does not wait.
   */
  async together(
    keys: readonly string[],
    reentries: readonly SetStep[],
  ): Promise<readonly SetMember[] | undefined> {
    const taken: SetMember[] = [];
    try {
      for (const step of reentries) taken.unshift(await step(this.#whole()));
      const [first, ...others] = keys;
      if (first === undefined) return taken;
      for (let failures = 1; ; failures += 1) {
        const outcome = await this.#ask([first, ...others]);
        if (outcome.kind === 'held') return [...outcome.locks, ...taken];
        if (!this.once) return undefined;
        if (outcome.kind === 'busy') throw this.#busy(outcome.key, 0, outcome);
        const { clock } = this.context;
        await this.#inTime(() => pause(backoff(failures, clock), clock, 'observer'));
      }
    } catch (error) {
      await giveBack(taken, this.context.clock);
      throw error instanceof LockUnavailableError
        ? this.#unavailable(error)
        : errorOfSet(error, this);
    }
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
        for (const step of steps) {
          this.#refuseIfLate(taken);
          taken.unshift(await step(this.#part()));
        }
        if (await this.#settle(taken)) return taken;
        await giveBack(taken.splice(0), this.context.clock);
      }
    } catch (error) {
      await giveBack(taken, this.context.clock);
      throw errorOfSet(error, this);
    }
  }

  /** What is left of its time, in milliseconds. */
  get #left(): number {
    const { gates } = this.context;
    return (this.once ? gates.settings.commandTimeout : this.request.wait) - this.waitedMs;
  }

  /** For how long it hears an answer to what it asks now, in milliseconds. */
  get #bound(): number {
    const left = this.#left;
    return this.once || left < GRACE_MS ? Math.max(1, left + GRACE_MS) : left;
  }

  /** One try to take all of these in one step; a failure of Redis is not the call's while there is time. */
  async #ask(keys: LockKeys): Promise<JointOutcome> {
    const attempt = this.context.gates.together(keys, this.#whole());
    try {
      return await this.#inTime(() => attempt.ask());
    } catch (error) {
      attempt.cancel();
      if (!(error instanceof LockUnavailableError) || this.#left <= 0) throw error;
      this.trouble = error;
      return { kind: 'stale' };
    }
  }

  /** What is asked of each key once all are there; the rest is for the whole. */
  #whole(): LockRequest {
    const { request } = this;
    return { ...request, maxHold: Infinity, observed: undefined, events: this.#events };
  }

  /** What is asked of a key while others are still to come: nothing of it outlasts a failure. */
  #part(): LockRequest {
    this.#refuseIfClosing();
    return { ...this.#whole(), wait: this.#bound, minHold: 0, renew: true };
  }

  /** After its time a call hears answers; it asks for no more keys once it has waited for one that was held. */
  #refuseIfLate([last]: readonly SetMember[]): void {
    if (last === undefined || this.#events.via === 'free' || this.#left > 0) return;
    throw this.#busy(last.keys[0] ?? this.keys[0], Math.ceil(this.waitedMs));
  }

  /** All are there: whether each is still held, with a lease as if it were taken just now. */
  async #settle(taken: readonly SetMember[]): Promise<boolean> {
    const whole = this.#whole();
    const settle = () => Promise.all(taken.map((lock) => lock.settle(whole)));
    const confirmed = await this.#inTime(settle).catch((error: unknown) => {
      throw error instanceof LockUnavailableError ? this.#unavailable(error) : error;
    });
    if (confirmed.every(Boolean) && taken.every(({ remainingMs }) => remainingMs > 0)) return true;
    if (this.#left > 0) return false;
    const why = 'a key was lost while the others were waited for.';
    throw this.#unavailable(new LockUnavailableError(this.keys, why));
  }

  /** Asks for something, unless nobody wants it any more. */
  async #inTime<T>(ask: () => Promise<T>): Promise<T> {
    this.#refuseIfClosing();
    const { signal } = this.request;
    if (signal?.aborted) throw signal.reason;
    return this.context.gates.inTime(this, this.#bound, ask());
  }

  /** Between two waits it is where the shutdown does not find it. */
  #refuseIfClosing(): void {
    if (this.context.isClosing() && !this.isInside) throw new LockShutdownError(this.keys);
  }

  #busy(key: string, waitedMs: number, of?: BusyMember): LockTimeoutError {
    const by = of?.holder === undefined ? undefined : holderOf(of.holder, of.leaseLeft);
    this.#events.timeout.tell({ ...eventOf(key, this.request), waitedMs, holder: by });
    return new LockTimeoutError(this.keys, key, waitedMs, of?.leaseLeft, by);
  }

  #unavailable(error: LockUnavailableError): LockUnavailableError {
    const own = errorOfSet(error, this) as LockUnavailableError;
    if (own === error) return own;
    this.#events.unavailable.tell({ ...eventOf(this.keys[0], this.request), error: own });
    return own;
  }
}
