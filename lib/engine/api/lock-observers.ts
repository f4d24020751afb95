import type { LockKind } from './capacity.js';
import type { LockEvent, Via } from './lock-events.js';

/** How the hold of a call ended. */
export type HoldEnd = 'released' | 'detached' | 'lost' | 'release-failed';

/** What a call asks for. */
export interface AskedLock extends LockEvent, LockKind {}

/** Sees every call for a lock of one service; metrics and tracing stand on it. */
export interface LockObserver {
  /** A call asks for a lock. Runs in the caller's async context, before anything is sent. */
  asked(call: AskedLock): CallObserver;
}

/** Sees one call, from where it asks to where its hold ends. */
export interface CallObserver {
  /** The call has the lock; `ended` follows. */
  acquired(waitedMs: number, via: Via, fencingToken: number): void;
  /** The call ends without the lock; nothing follows. */
  refused(error: unknown): void;
  ended(how: HoldEnd, heldMs: number, error?: Error): void;
  /** Runs what a section does, such as in an async context of the observer's. */
  run?<T>(task: () => T): T;
}

/** The observers of one service. What they throw changes nothing. */
export class LockObservers {
  #observers: readonly LockObserver[] = [];

  /** Returns what takes the observer away. */
  add(observer: LockObserver): () => void {
    this.#observers = [...this.#observers, observer];
    return () => {
      this.#observers = this.#observers.filter((other) => other !== observer);
    };
  }

  /** Whether an observer of this class is there. */
  has(type: abstract new (...args: never[]) => LockObserver): boolean {
    return this.#observers.some((observer) => observer instanceof type);
  }

  /** Whether anybody observes; a call costs nothing otherwise. */
  get any(): boolean {
    return this.#observers.length > 0;
  }

  asked(call: AskedLock): ObservedCall {
    const calls: CallObserver[] = [];
    for (const observer of this.#observers) {
      guarded(() => {
        calls.push(observer.asked(call));
      });
    }
    return new ObservedCall(calls);
  }
}

/** One call, as all observers see it. */
export class ObservedCall {
  constructor(private readonly observers: readonly CallObserver[]) {}

  /** Takes note when the call ends without a lock. */
  watch(entered: Promise<unknown>): void {
    entered.then(undefined, (error: unknown) => {
      for (const observer of this.observers) guarded(() => observer.refused(error));
    });
  }

  acquired(waitedMs: number, via: Via, fencingToken: number): void {
    for (const observer of this.observers)
      guarded(() => observer.acquired(waitedMs, via, fencingToken));
  }

  ended(how: HoldEnd, heldMs: number, error?: Error): void {
    for (const observer of this.observers) guarded(() => observer.ended(how, heldMs, error));
  }

  run<T>(task: () => T): T {
    let wrapped = task;
    for (const observer of this.observers) wrapped = wrap(observer, wrapped);
    return wrapped();
  }
}

/** The task runs, once, whatever the observer does. */
function wrap<T>(observer: CallObserver, task: () => T): () => T {
  return () => {
    if (observer.run === undefined) return task();
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    guarded(() =>
      observer.run?.(() => {
        try {
          outcome = { value: task() };
        } catch (error) {
          outcome = { error };
        }
      }),
    );
    if (outcome === undefined) return task();
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  };
}

function guarded(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    process.emitWarning(`An observer of locks threw: ${String(error)}`);
  }
}
