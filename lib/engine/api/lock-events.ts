import { type Channel, channel } from 'node:diagnostics_channel';
import { LockConfigError, type LockError } from './errors.js';
import type { LockHolder } from './lock-holder.js';
import { show } from './option-reader.js';

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

type AnyListener = (event: never) => void;

/** Before the name of an event: the `node:diagnostics_channel` on which every service publishes it. */
const CHANNEL = 'nestjs-redis-lock:';

/** Where the engine tells what becomes of a call. */
export interface LockEventSink {
  /** Whether an event of this name would reach anybody; saves building the payload. */
  hears(name: keyof LockEventMap): boolean;
  emit<Name extends keyof LockEventMap>(name: Name, event: LockEventMap[Name]): void;
}

/**
 * The sending side of {@link LockEvents}, and of a diagnostics channel for each event. A listener
 * that throws never reaches the engine.
 */
export class LockEventEmitter implements LockEvents, LockEventSink {
  readonly #channels = openChannels();
  readonly #listeners = new Map<keyof LockEventMap, Map<AnyListener, AnyListener>>();

  /** @param run Runs what listens, in a context of its own. */
  constructor(private readonly run: (task: () => void) => void = (task) => task()) {}

  on<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    return this.#add(name, listener, listener);
  }

  once<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    return this.#add(name, listener, (event: LockEventMap[Name]) => {
      this.off(name, listener);
      return listener(event);
    });
  }

  off<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    this.#check(name, listener);
    const listeners = this.#listeners.get(name);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(name);
    return this;
  }

  /** Where to tell what becomes of this call. */
  of({ events }: { readonly events?: LockEventSink | undefined }): LockEventSink {
    return events ?? this;
  }

  hears(name: keyof LockEventMap): boolean {
    return this.#listeners.has(name) || this.#channels[name].hasSubscribers;
  }

  emit<Name extends keyof LockEventMap>(name: Name, event: LockEventMap[Name]): void {
    if (this.hears(name)) this.run(() => this.#tell(name, event));
  }

  #tell<Name extends keyof LockEventMap>(name: Name, event: LockEventMap[Name]): void {
    const channel = this.#channels[name];
    if (channel.hasSubscribers) channel.publish(event);
    for (const listener of [...(this.#listeners.get(name)?.values() ?? [])]) {
      try {
        const answer: unknown = (listener as LockListener<Name>)(event);
        if (answer instanceof Promise) answer.catch((error: unknown) => warn(name, error));
      } catch (error) {
        warn(name, error);
      }
    }
  }

  #add(name: keyof LockEventMap, listener: AnyListener, run: AnyListener): this {
    this.#check(name, listener);
    const listeners = this.#listeners.get(name) ?? new Map<AnyListener, AnyListener>();
    this.#listeners.set(name, listeners.set(listener, run));
    return this;
  }

  /** A listener that never hears anything would be a mistake that nobody sees. */
  #check(name: unknown, listener: unknown): void {
    const names = Object.keys(this.#channels);
    const problems: string[] = [];
    if (typeof name !== 'string' || !names.includes(name))
      problems.push(`${show(name)} is no lock event; known are ${names.join(', ')}.`);
    if (typeof listener !== 'function')
      problems.push(`The listener of a lock event must be a function, got ${show(listener)}.`);
    if (problems.length > 0) throw new LockConfigError(problems);
  }
}

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

function warn(name: string, error: unknown): void {
  process.emitWarning(`A listener of the lock event "${name}" threw: ${String(error)}`);
}

/** How a caller came by the lock. */
export type Via = 'free' | 'handoff' | 'local';

/** Node keeps one channel for each name. */
function openChannels(): Readonly<Record<keyof LockEventMap, Channel>> {
  const open = (name: keyof LockEventMap): Channel => channel(CHANNEL + name);
  return {
    waiting: open('waiting'),
    acquired: open('acquired'),
    renewed: open('renewed'),
    lost: open('lost'),
    released: open('released'),
    timeout: open('timeout'),
    skipped: open('skipped'),
    unavailable: open('unavailable'),
    'release-failed': open('release-failed'),
  };
}
