import { LockConfigError } from './errors.js';
import { EventTopic } from './event-topic.js';
import type { LockEventMap, LockEvents, LockEventTopics, LockListener } from './lock-events.js';
import { show } from './option-reader.js';

type Topics = { readonly [Name in keyof LockEventMap]: EventTopic<LockEventMap[Name]> };

/** The sending side of {@link LockEvents}. */
export class LockEventEmitter implements LockEvents {
  /** Where the engine tells each kind of event. */
  readonly topics: Topics;

  /** @param run Runs what listens, in a context of its own. */
  constructor(run: (task: () => void) => void = (task) => task()) {
    this.topics = {
      waiting: new EventTopic('waiting', run),
      acquired: new EventTopic('acquired', run),
      renewed: new EventTopic('renewed', run),
      lost: new EventTopic('lost', run),
      released: new EventTopic('released', run),
      timeout: new EventTopic('timeout', run),
      skipped: new EventTopic('skipped', run),
      unavailable: new EventTopic('unavailable', run),
      'release-failed': new EventTopic('release-failed', run),
    };
  }

  on<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    this.#topic(name, listener).add(listener, false);
    return this;
  }

  once<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    this.#topic(name, listener).add(listener, true);
    return this;
  }

  /** Ends one subscription, the latest of this listener: as an `EventEmitter` of Node's does. */
  off<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this {
    this.#topic(name, listener).remove(listener);
    return this;
  }

  /** Where to tell what becomes of this call. */
  of({ events }: { readonly events?: LockEventTopics | undefined }): LockEventTopics {
    return events ?? this.topics;
  }

  /** A listener that never hears anything would be a mistake that nobody sees. */
  #topic<Name extends keyof LockEventMap>(name: Name, listener: unknown): Topics[Name] {
    const names = Object.keys(this.topics);
    const problems: string[] = [];
    if (typeof name !== 'string' || !names.includes(name))
      problems.push(`${show(name)} is no lock event; known are ${names.join(', ')}.`);
    if (typeof listener !== 'function')
      problems.push(`The listener of a lock event must be a function, got ${show(listener)}.`);
    if (problems.length > 0) throw new LockConfigError(problems);
    return this.topics[name];
  }
}
