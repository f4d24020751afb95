import { type Channel, channel } from 'node:diagnostics_channel';
import { textOf } from './error-cause.js';
import { LockConfigError } from './errors.js';
import type { LockEventMap, LockEvents, LockEventSink, LockListener } from './lock-events.js';
import { show } from './option-reader.js';

/** Before the name of an event: the `node:diagnostics_channel` on which every service publishes it. */
const CHANNEL = 'nestjs-redis-lock:';

type AnyListener = (event: never) => void;

interface Subscription {
  readonly listener: AnyListener;
  /** Ends with the first event. */
  readonly isOnce: boolean;
}

/**
 * The sending side of {@link LockEvents}, and of a diagnostics channel for each event. A listener
 * that throws never reaches the engine.
 */
export class LockEventEmitter implements LockEvents, LockEventSink {
  readonly #channels = openChannels();
  /** Replaced, never changed: a listener may subscribe and unsubscribe. */
  readonly #listeners = new Map<keyof LockEventMap, readonly Subscription[]>();

  /** @param run Runs what listens, in a context of its own. */
  constructor(private readonly run: (task: () => void) => void = (task) => task()) {}

  on<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    return this.#add(name, { listener, isOnce: false });
  }

  once<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    return this.#add(name, { listener, isOnce: true });
  }

  /** Ends one subscription, the latest of this listener: as an `EventEmitter` of Node's does. */
  off<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    this.#check(name, listener);
    const [latest] = this.#of(name)
      .filter((each) => each.listener === listener)
      .slice(-1);
    if (latest !== undefined) this.#end(name, latest);
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
    for (const subscription of this.#of(name)) {
      const { listener, isOnce } = subscription;
      if (isOnce && !this.#end(name, subscription)) continue;
      try {
        const answer: unknown = (listener as LockListener<Name>)(event);
        if (answer instanceof Promise) answer.catch((error: unknown) => warn(name, error));
      } catch (error) {
        warn(name, error);
      }
    }
  }

  #of(name: keyof LockEventMap): readonly Subscription[] {
    return this.#listeners.get(name) ?? [];
  }

  #add(name: keyof LockEventMap, subscription: Subscription): this {
    this.#check(name, subscription.listener);
    this.#listeners.set(name, [...this.#of(name), subscription]);
    return this;
  }

  /** Whether it had not ended before: an event inside a listener may have come first. */
  #end(name: keyof LockEventMap, subscription: Subscription): boolean {
    const all = this.#of(name);
    const left = all.filter((each) => each !== subscription);
    if (left.length > 0) this.#listeners.set(name, left);
    else this.#listeners.delete(name);
    return left.length < all.length;
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

function warn(name: string, error: unknown): void {
  process.emitWarning(`A listener of the lock event "${name}" threw: ${textOf(error)}`);
}

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
