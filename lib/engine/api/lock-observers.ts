import { kindOf, type LockKind } from './capacity.js';
import { textOf } from './error-cause.js';
import type { LockEvent, Via } from './lock-events.js';
import type { LockKeys } from './lock-key.js';

/** How the hold of a call ended. */
export type HoldEnd = 'released' | 'detached' | 'lost' | 'release-failed';

/** What a call asks for. */
export interface AskedLock extends LockEvent, LockKind {}

/** What a call asks for, as observers are told. */
export function askedLock(
  keys: LockKeys,
  { label, template, capacity }: Pick<LockEvent, 'label' | 'template'> & { capacity: number },
): AskedLock {
  const [key, ...others] = keys;
  const { mode, permits } = kindOf(capacity);
  if (others.length > 0) return { key, keys, label, template, mode, permits };
  return { key, label, template, mode, permits };
}

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
      try {
        calls.push(observer.asked(call));
      } catch (error) {
        tellOf(error);
      }
    }
    return new ObservedCall(calls);
  }
}

/** One call, as all observers see it. Each is guarded where it is told: a closure would cost every lock. */
export class ObservedCall {
  #isRefused = false;

  constructor(private readonly observers: readonly CallObserver[]) {}

  /** The call ends without a lock. Whoever turns it away tells; the first one is heard. */
  refused(error: unknown): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    for (const observer of this.observers) {
      try {
        observer.refused(error);
      } catch (fault) {
        tellOf(fault);
      }
    }
  }

  /** The call ends without a lock if this promise rejects. */
  watch(entered: Promise<unknown>): void {
    entered.then(undefined, (error: unknown) => this.refused(error));
  }

  acquired(waitedMs: number, via: Via, fencingToken: number): void {
    for (const observer of this.observers) {
      try {
        observer.acquired(waitedMs, via, fencingToken);
      } catch (fault) {
        tellOf(fault);
      }
    }
  }

  ended(how: HoldEnd, heldMs: number, error?: Error): void {
    for (const observer of this.observers) {
      try {
        observer.ended(how, heldMs, error);
      } catch (fault) {
        tellOf(fault);
      }
    }
  }

  run<T>(task: () => T): T {
    let wrapped = task;
    for (const observer of this.observers)
      if (observer.run !== undefined) wrapped = wrap(observer, wrapped);
    return wrapped();
  }
}

/** The task runs, once, whatever the observer does. */
function wrap<T>(observer: CallObserver, task: () => T): () => T {
  return () => {
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    try {
      observer.run?.(() => {
        try {
          outcome = { value: task() };
        } catch (error) {
          outcome = { error };
        }
      });
    } catch (fault) {
      tellOf(fault);
    }
    if (outcome === undefined) return task();
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  };
}

function tellOf(fault: unknown): void {
  process.emitWarning(`An observer of locks threw: ${textOf(fault)}`);
}
