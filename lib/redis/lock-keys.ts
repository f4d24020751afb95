import { slotOf, tagOfSlot } from './hash-slot.js';

/** The Redis keys of one lock. */
export interface KeysOfLock {
  readonly lock: string;
  readonly queue: string;
  readonly alive: string;
}

/**
 * Names every key and channel in Redis; nothing else does. Our own begin with `!`, which no lock
 * key may, and carry the lock's hash tag, so that all keys of a lock live in one Cluster slot.
 */
export class LockKeys {
  /** The last fencing number issued. */
  readonly counter: string;
  /** Channel of a process: this and its boot id. */
  readonly channel: string;
  readonly #tags = new Map<number, string>();

  /** @param prefix The client's own `keyPrefix`, then the module's. */
  constructor(private readonly prefix: string) {
    this.counter = `${prefix}!fence`;
    this.channel = `${prefix}!g:`;
  }

  of(key: string): KeysOfLock {
    const lock = this.prefix + key;
    const tail = this.#tail(key, lock);
    return { lock, queue: `${this.prefix}!q:${tail}`, alive: `${this.prefix}!a:${tail}` };
  }

  /** The application's key of a lock's key. */
  keyOf(lock: string): string {
    return lock.slice(this.prefix.length);
  }

  /** Whether `lockKey`, which begins with our prefix, is a lock and not a key of ours beside it. */
  isLock(lockKey: string): boolean {
    return (
      lockKey.startsWith(this.prefix) &&
      lockKey.length > this.prefix.length &&
      lockKey[this.prefix.length] !== '!'
    );
  }

  /** The glob for locks whose application key matches `match`. */
  glob(match: string): string {
    return this.prefix.replace(/[\\*?[\]]/g, '\\$&') + match;
  }

  /**
   * A tag shared by several locks needs the key beside it. Where the lock has no tag it is its
   * own, unless a brace in it would end the tag early: then a tag without braces stands for it.
   */
  #tail(key: string, lock: string): string {
    const tag = hashTag(lock);
    if (tag !== undefined) return `{${tag}}:${key}`;
    if (!lock.includes('}')) return `{${lock}}`;
    return `{${this.#tagOf(slotOf(lock))}}:${key}`;
  }

  #tagOf(slot: number): string {
    let tag = this.#tags.get(slot);
    if (tag === undefined) {
      tag = tagOfSlot(slot);
      this.#tags.set(slot, tag);
    }
    return tag;
  }
}

/** The part of a key that Redis Cluster hashes, when it is not the whole. */
export function hashTag(key: string): string | undefined {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : undefined;
}
