import { checkKeys, type LockKey, type LockKeys } from './lock-key.js';
import { SuspectKeys } from './suspect-keys.js';

/** Checks the keys of one service's calls. Mostly a call names the key of the call before: that one is not checked again. */
export class CallKeys {
  readonly #suspects = new SuspectKeys();
  #last: string | undefined;

  /**
   * Checks the keys of a call; warns, in development, of those that look as if a value were missing.
   *
   * @throws {LockKeyError} One is no key, there is none, or there are too many.
   */
  of(key: LockKey): LockKeys {
    if (this.#last !== undefined && key === this.#last) return [this.#last];
    const keys = checkKeys(key);
    for (const each of keys) this.#suspects.look(each);
    if (typeof key === 'string') this.#last = key;
    return keys;
  }
}
