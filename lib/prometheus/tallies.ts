import type { AskedLock, CallObserver, LockObserver } from '../engine/api/lock-observers.js';
import { Tally } from './tally.js';

/** Templates stand in source code and are few; decorators made at run time could be many. */
const MAX_TEMPLATES = 500;

/** What calls of `LockService` count as: their keys are filled in, and unbounded. */
const BY_HAND = 'LockService';

/** What all templates beyond the first {@link MAX_TEMPLATES} count as. */
const OTHERS = 'others';

/** Counts the calls of one service by key template, never by key. */
export class Tallies implements LockObserver, Iterable<readonly [template: string, tally: Tally]> {
  readonly #byTemplate = new Map<string, Tally>();

  /** @param service Name of the service. */
  constructor(readonly service: string) {}

  asked({ template, permits }: AskedLock): CallObserver {
    return this.#of(template === '' ? BY_HAND : template).asked(permits);
  }

  [Symbol.iterator](): Iterator<readonly [string, Tally]> {
    return this.#byTemplate.entries();
  }

  #of(template: string): Tally {
    const known = this.#byTemplate.get(template);
    if (known !== undefined) return known;
    if (this.#byTemplate.size >= MAX_TEMPLATES && template !== OTHERS) return this.#of(OTHERS);
    const tally = new Tally();
    this.#byTemplate.set(template, tally);
    return tally;
  }
}
