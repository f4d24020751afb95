import type { LockError } from './errors.js';
import type { LockHolder } from './lock-holder.js';

/**
 * What every event tells: which lock, and who asked for it.
 *
 * @example
 * locks.events.on('waiting', ({ key, label }: LockEvent) => console.log(`${label} waits for ${key}`));
 */
export interface LockEvent {
  readonly key: string;
  /** All keys of the call, when it names several. */
  readonly keys?: readonly string[];
  /** The `label` of the call; `''` when it has none. */
  readonly label: string;
  /** The key template of the `@Locked` method; `''` for calls of `LockService`. */
  readonly template: string;
}

/**
 * The events of a `LockService`, by name. Durations are in milliseconds.
 *
 * @example
 * const tell = ({ key, heldMs }: LockEventMap['released']) => console.log(key, heldMs);
 */
export interface LockEventMap {
  /** The lock is busy and the call waits for it. */
  waiting: LockEvent;
  /** The lock was given to a call: at once, by another process, or by another caller of this process. */
  acquired: LockEvent & { readonly waitedMs: number; readonly via: Via };
  /** Redis confirmed a renewal. */
  renewed: LockEvent;
  /** The lease is, or may be, gone while the lock was held. */
  lost: LockEvent & { readonly heldMs: number; readonly error: LockError };
  released: LockEvent & { readonly heldMs: number };
  /** The lock was still busy after `wait`. */
  timeout: LockEvent & { readonly waitedMs: number; readonly holder?: LockHolder | undefined };
  /** A method with `ifBusy: 'skip'` did not run. */
  skipped: LockEvent;
  /** Redis did not answer or refused; for a held lock: a renewal failed and is repeated. */
  unavailable: LockEvent & { readonly error: LockError };
  /** A release did not reach Redis; it is repeated until the lease has ended. */
  'release-failed': LockEvent & { readonly error: LockError };
}

/**
 * Receives one event. What it throws, or rejects with, changes nothing.
 *
 * @example
 * const tell: LockListener<'lost'> = ({ key, error }) => console.error(key, error.code);
 */
export type LockListener<Name extends keyof LockEventMap> = (event: LockEventMap[Name]) => void;

/**
 * Subscribes to the events of one `LockService`.
 *
 * @example
 * locks.events.on('lost', ({ key, heldMs }) => console.error(`${key} was lost after ${heldMs} ms`));
 */
export interface LockEvents {
  on<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this;
  once<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this;
  off<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this;
}

/** Where the engine tells one kind of event. */
export interface LockEventTopic<Event> {
  /** Whether it would reach anybody; saves building the event. */
  readonly isHeard: boolean;
  tell(event: Event): void;
}

/** Where the engine tells what becomes of a call. */
export type LockEventTopics = {
  readonly [Name in keyof LockEventMap]: LockEventTopic<LockEventMap[Name]>;
};

/**
 * What every event of a call tells.
 *
 * @param keys All keys of the call.
 */
export function eventOf(
  key: string,
  { label, template }: Pick<LockEvent, 'label' | 'template'>,
  keys: readonly string[] = [key],
): LockEvent {
  return keys.length > 1 ? { key, keys, label, template } : { key, label, template };
}

/** How a caller came by the lock. */
export type Via = 'free' | 'handoff' | 'local';
