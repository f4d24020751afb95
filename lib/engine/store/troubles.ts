import { copyOfError } from '../api/error-cause.js';
import { LockUnavailableError } from '../api/errors.js';
import type { Clock } from '../time/clock.js';
import type { StoreTrouble } from './lock-store.js';

/** The same trouble is told again after this long, in milliseconds. */
const AGAIN_MS = 60_000;
/** Troubles that are remembered; more are a storm of different ones. */
const MANY = 100;

/** A trouble with a known cause, whose error is safe to log. */
export type KnownTrouble = Required<StoreTrouble> & {
  readonly cause: Error;
  readonly reach: Reach;
};

/** Whether a connection of the store works. `not-yet`: none has been made so far. */
type Reach = 'not-yet' | 'partly' | 'no-longer';

/** Tells why a store can't be used: once for many failures of the same kind at the same nodes. */
export class Troubles {
  readonly #told = new Map<string, { readonly at: number; readonly trouble: KnownTrouble }>();
  #reach: Reach = 'not-yet';
  /** Why there is no connection any more, if so. */
  #outage: StoreTrouble | undefined;
  #listener: ((trouble: KnownTrouble) => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /** Sets the one listener; it hears of earlier troubles, too. */
  listen(listener: (trouble: KnownTrouble) => void): void {
    this.#listener = listener;
    for (const { trouble } of this.#told.values()) listener(trouble);
  }

  /** The store can't be reached, from here until {@link ended}. */
  began(trouble: StoreTrouble): void {
    this.#reach = 'no-longer';
    this.#outage = trouble;
    this.add(trouble);
  }

  /** The store can be reached. */
  ended(): void {
    this.#reach = 'partly';
    this.#outage = undefined;
  }

  /** What a call for these keys is told while the store can't be reached. */
  outage(keys: readonly string[]): LockUnavailableError | undefined {
    if (this.#outage === undefined) return undefined;
    const { cause, nodes } = this.#outage;
    return new LockUnavailableError(keys, 'there is no connection to Redis.', cause, nodes);
  }

  /** A failure of unknown cause is followed by one that is known, and told by the calls meanwhile. */
  add({ nodes, cause }: StoreTrouble): void {
    if (cause === undefined) return;
    const now = this.clock.now();
    // Numbers are pauses, ports and attempts.
    const kind = `${nodes.join(' ')} ${cause.message.replaceAll(/\d+/g, '#')}`;
    const before = this.#told.get(kind);
    if (before !== undefined && now - before.at < AGAIN_MS) return;
    if (this.#told.size >= MANY) this.#told.clear();
    const trouble = { nodes, cause: copyOfError(cause), reach: this.#reach };
    this.#told.set(kind, { at: now, trouble });
    this.#listener?.(trouble);
  }
}
