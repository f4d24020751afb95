import type { Acquisition } from '../acquire/acquisition.js';
import { callersAToken, tokensAProcess } from '../api/capacity.js';
import { holderHere, type LockHolder } from '../api/lock-holder.js';
import type { Tenure } from '../hold/tenure.js';

/** Permits of a semaphore that are sought at the same time, at most. */
const MOST_AT_ONCE = 16;

/** The tokens by which one process holds and seeks a key that is asked for in one way. */
export class GateTokens {
  // Replaced, never changed: mostly there is one token, or none, and who goes through a list may end what is on it.
  #tenures: readonly Tenure[] = [];
  #acquisitions: readonly Acquisition[] = [];

  /** The most that this process may hold. */
  readonly #most: number;
  /** Callers that may have the lock by one token. */
  readonly #callersAToken: number;

  /** @param capacity How many may hold the key beside each other. */
  constructor(capacity: number) {
    this.#most = tokensAProcess(capacity);
    this.#callersAToken = callersAToken(capacity);
  }

  /** Those that are held, the oldest first. */
  get tenures(): readonly Tenure[] {
    return this.#tenures;
  }

  /** Those that are sought, the oldest first. */
  get acquisitions(): readonly Acquisition[] {
    return this.#acquisitions;
  }

  /** Whether callers may enter beside those that have a token. */
  get #isShared(): boolean {
    return this.#callersAToken > 1;
  }

  hold(tenure: Tenure): void {
    this.#tenures = [...this.#tenures, tenure];
  }

  /** It is held no longer. */
  end(tenure: Tenure): void {
    this.#tenures = this.#tenures.filter((other) => other !== tenure);
  }

  seek(acquisition: Acquisition): void {
    this.#acquisitions = [...this.#acquisitions, acquisition];
  }

  /** It is sought no longer. */
  endSearch(acquisition: Acquisition): void {
    this.#acquisitions = this.#acquisitions.filter((other) => other !== acquisition);
  }

  /** How many more the process could use beside those that it holds. */
  get room(): number {
    const serving = this.#isShared ? this.#tenures.filter(({ serves }) => serves) : this.#tenures;
    return this.#most - serving.length;
  }

  /** How many are to be sought for so many callers in line; less than none: so many are sought in vain. */
  missing(callers: number): number {
    return Math.min(callers, this.room, MOST_AT_ONCE) - this.#acquisitions.length;
  }

  /** Places in the store's queue. */
  get places(): number {
    let places = 0;
    for (const { isQueued } of this.#acquisitions) places += isQueued ? 1 : 0;
    return places;
  }

  /** Callers that may get the lock by tokens for which it was asked, and of which nobody knows yet that it is busy. */
  get promised(): number {
    const asked = this.#acquisitions.length - this.places;
    return asked === 0 ? 0 : asked * this.#callersAToken;
  }

  /** What knows whether the lock is busy. */
  get known(): Acquisition | Tenure | undefined {
    return this.#acquisitions[0] ?? this.#tenures[0];
  }

  /** Whether a caller that is not let in has to wait; not while Redis fails or keeps us waiting. */
  get areBusy(): boolean {
    if (this.#acquisitions.length === 0) return this.room <= 0;
    return this.places > 0 && this.known?.busyFor() !== undefined;
  }

  /** Whether all that the process can use is held here, and lets nobody in beside those that have it. */
  get areTaken(): boolean {
    return this.open === undefined && this.room <= 0 && this.#acquisitions.length === 0;
  }

  /** A tenure that lets callers in beside those that have it. */
  get open(): Tenure | undefined {
    return this.#isShared ? this.#tenures.find(({ isOpen }) => isOpen) : undefined;
  }

  /** Whether this tenure tells the store of the callers in line: else a place in the queue does. */
  speaks(tenure: Tenure): boolean {
    return this.#acquisitions.length === 0 && this.#tenures[0] === tenure;
  }

  /** Label of a caller that has the lock by this token; the store knows that of the first in a turn only. */
  labelOf(token: string): string | undefined {
    return this.#tenures.find((tenure) => tenure.token === token)?.label;
  }

  /**
   * Who has the lock, when last heard of.
   *
   * @param last The caller that got it last here, and when.
   */
  holder(
    last: { readonly label: string; readonly at: number } | undefined,
    now: number,
  ): LockHolder | undefined {
    const [acquisition] = this.#acquisitions;
    if (acquisition !== undefined) return acquisition.holder;
    if (last === undefined || this.#tenures.length === 0) return undefined;
    return holderHere(last.label, now - last.at, this.known?.busyFor() ?? 0);
  }

  /** A caller has joined for which nothing more is to be sought: what there is may have to be asked for it. */
  stir(once: boolean, now: number): void {
    for (const tenure of this.#tenures) {
      if (once) tenure.makeSure();
      else tenure.fetchAhead(now);
    }
    if (once) for (const acquisition of this.#acquisitions) acquisition.hurry();
  }

  /** Gives up the youngest of those that are sought in vain. */
  trim(callers: number): void {
    if (this.#acquisitions.length === 0) return;
    const surplus = -this.missing(callers);
    if (surplus <= 0) return;
    const youngest = this.#acquisitions.slice(-surplus);
    this.#acquisitions = this.#acquisitions.slice(0, -surplus);
    for (const acquisition of youngest) acquisition.cancel();
  }
}
