import type { LockError, LockUnavailableError } from '../api/errors.js';
import type { LockEvent, LockEventTopic, LockEventTopics, Via } from '../api/lock-events.js';
import { unavailableSet } from './set-errors.js';

/** A call for several keys, as its events see it. */
interface SetCallFacts {
  readonly keys: readonly string[];
  readonly waitedMs: number;
  /** What failed so far, though the call goes on. */
  readonly trouble?: LockUnavailableError | undefined;
}

/** Hears of one kind of event, key by key; tells it with the keys of the whole call. */
class PartTopic<Event extends LockEvent> implements LockEventTopic<Event> {
  constructor(
    private readonly whole: LockEventTopic<Event>,
    private readonly keys: readonly string[],
    private readonly pass: (event: Event) => void,
  ) {}

  get isHeard(): boolean {
    return this.whole.isHeard;
  }

  tell(event: Event): void {
    this.pass({ ...event, keys: this.keys });
  }
}

/** Events of single keys that nobody hears: the holder tells them once, of the whole call. */
const untold = { isHeard: false, tell: () => {} };

/**
 * Hears of each key of a call for several, and tells listeners once of the call. That the whole is
 * acquired, lost or released its holder tells.
 */
export class SetEvents implements LockEventTopics {
  /** How the call came by the last of its keys that it did not get at once. */
  via: Via = 'free';
  /** Whether the call has all of its keys: before that nothing of it is renewed, to those that listen. */
  isHeld = false;
  readonly acquired: LockEventTopics['acquired'];
  readonly waiting: LockEventTopics['waiting'];
  readonly renewed: LockEventTopics['renewed'];
  readonly timeout: LockEventTopics['timeout'];
  readonly unavailable: LockEventTopics['unavailable'];
  readonly lost = untold;
  readonly released = untold;
  readonly skipped = untold;
  readonly 'release-failed' = untold;
  readonly #told = new Set<object>();

  constructor(
    private readonly call: SetCallFacts,
    { waiting, renewed, timeout, unavailable }: LockEventTopics,
  ) {
    const { keys } = call;
    this.acquired = {
      isHeard: true,
      tell: ({ via }) => {
        if (via !== 'free') this.via = via;
      },
    };
    this.waiting = new PartTopic(waiting, keys, (event) => this.#once(waiting, event));
    this.renewed = new PartTopic(renewed, keys, (event) => {
      if (this.isHeld) this.#together(renewed, event);
    });
    this.timeout = new PartTopic(timeout, keys, (event) => {
      const waitedMs = event.waitedMs === 0 ? 0 : Math.ceil(call.waitedMs);
      timeout.tell({ ...event, waitedMs });
    });
    this.unavailable = new PartTopic(unavailable, keys, (event) =>
      this.#together(unavailable, { ...event, error: this.#errorOf(event.error) }),
    );
  }

  #errorOf(error: LockError): LockError {
    const { keys, trouble } = this.call;
    return unavailableSet(error as LockUnavailableError, keys, trouble);
  }

  #once<Event>(topic: LockEventTopic<Event>, event: Event): void {
    if (this.#told.has(topic)) return;
    this.#told.add(topic);
    topic.tell(event);
  }

  /** Leases are renewed together: what is told of several of them at once is told once. */
  #together<Event>(topic: LockEventTopic<Event>, event: Event): void {
    this.#once(topic, event);
    queueMicrotask(() => this.#told.delete(topic));
  }
}
