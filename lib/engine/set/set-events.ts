import type { LockError, LockUnavailableError } from '../api/errors.js';
import type { LockEventMap, LockEventSink, Via } from '../api/lock-events.js';
import { unavailableSet } from './set-errors.js';

/** A call for several keys, as its events see it. */
interface SetCallFacts {
  readonly keys: readonly string[];
  readonly waitedMs: number;
  /** What failed so far, though the call goes on. */
  readonly trouble?: LockUnavailableError | undefined;
}

/**
 * Hears of each key of a call for several, and tells listeners once of the call. That the whole is
 * acquired, lost or released its holder tells.
 */
export class SetEvents implements LockEventSink {
  /** How the call came by the last of its keys that it did not get at once. */
  via: Via = 'free';
  /** Whether the call has all of its keys: before that nothing of it is renewed, to those that listen. */
  isHeld = false;
  readonly #told = new Set<keyof LockEventMap>();

  constructor(
    private readonly call: SetCallFacts,
    private readonly listeners: LockEventSink,
  ) {}

  hears(name: keyof LockEventMap): boolean {
    return name === 'acquired' || this.listeners.hears(name);
  }

  emit<Name extends keyof LockEventMap>(name: Name, event: LockEventMap[Name]): void {
    const { keys, waitedMs } = this.call;
    const heard: Partial<Record<keyof LockEventMap, () => unknown>> = {
      acquired: () => {
        const { via } = event as LockEventMap['acquired'];
        if (via !== 'free') this.via = via;
      },
      waiting: () => this.#once(name, { ...event, keys }),
      timeout: () => {
        const waited = (event as LockEventMap['timeout']).waitedMs === 0 ? 0 : Math.ceil(waitedMs);
        this.listeners.emit(name, { ...event, keys, waitedMs: waited });
      },
      renewed: () => this.isHeld && this.#together(name, { ...event, keys }),
      unavailable: () => this.#together(name, { ...event, keys, error: this.#errorOf(event) }),
    };
    heard[name]?.();
  }

  #errorOf(event: object): LockError {
    const { error } = event as LockEventMap['unavailable'];
    const { keys, trouble } = this.call;
    return unavailableSet(error as LockUnavailableError, keys, trouble);
  }

  #once<Name extends keyof LockEventMap>(name: Name, event: LockEventMap[Name]): void {
    if (this.#told.has(name)) return;
    this.#told.add(name);
    this.listeners.emit(name, event);
  }

  /** Leases are renewed together: what is told of several of them at once is told once. */
  #together<Name extends keyof LockEventMap>(name: Name, event: LockEventMap[Name]): void {
    this.#once(name, event);
    queueMicrotask(() => this.#told.delete(name));
  }
}
