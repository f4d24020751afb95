import { type Channel, channel } from 'node:diagnostics_channel';
import { textOf } from './error-cause.js';
import type { LockEventTopic } from './lock-events.js';

/** Before the name of an event: the `node:diagnostics_channel` on which every service publishes it. */
const CHANNEL = 'nestjs-redis-lock:';

interface Subscription<Event> {
  readonly listener: (event: Event) => void;
  /** Ends with the first event. */
  readonly isOnce: boolean;
}

/** One kind of event: its listeners, and its diagnostics channel. A listener that throws never reaches the engine. */
export class EventTopic<Event extends object> implements LockEventTopic<Event> {
  readonly #channel: Channel;
  /** Replaced, never changed: a listener may subscribe and unsubscribe. */
  #subscriptions: readonly Subscription<Event>[] = [];

  /** @param run Runs what listens, in a context of its own. */
  constructor(
    private readonly name: string,
    private readonly run: (task: () => void) => void,
  ) {
    // Node keeps one channel for each name.
    this.#channel = channel(CHANNEL + name);
  }

  get isHeard(): boolean {
    return this.#subscriptions.length > 0 || this.#channel.hasSubscribers;
  }

  tell(event: Event): void {
    if (this.isHeard) this.run(() => this.#tell(event));
  }

  add(listener: (event: Event) => void, isOnce: boolean): void {
    this.#subscriptions = [...this.#subscriptions, { listener, isOnce }];
  }

  /** Ends one subscription, the latest of this listener. */
  remove(listener: (event: Event) => void): void {
    const its = this.#subscriptions.filter((each) => each.listener === listener);
    const latest = its.at(-1);
    if (latest !== undefined) this.#end(latest);
  }

  #tell(event: Event): void {
    if (this.#channel.hasSubscribers) this.#channel.publish(event);
    for (const subscription of this.#subscriptions) {
      const { listener, isOnce } = subscription;
      if (isOnce && !this.#end(subscription)) continue;
      try {
        const answer: unknown = listener(event);
        if (answer instanceof Promise) answer.catch((error: unknown) => this.#warn(error));
      } catch (error) {
        this.#warn(error);
      }
    }
  }

  /** Whether it had not ended before: an event inside a listener may have come first. */
  #end(subscription: Subscription<Event>): boolean {
    const before = this.#subscriptions.length;
    this.#subscriptions = this.#subscriptions.filter((each) => each !== subscription);
    return this.#subscriptions.length < before;
  }

  #warn(error: unknown): void {
    process.emitWarning(`A listener of the lock event "${this.name}" threw: ${textOf(error)}`);
  }
}
