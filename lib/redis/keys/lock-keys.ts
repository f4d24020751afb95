import { hashTag, slotOf, SlotTags } from './hash-slot.js';

/** Of so many locks the names are kept: each is asked for several times while the lock is in use. */
const MOST_KNOWN = 500;
const COUNTER = /!fence(?::\{\w+\})?$/;

/** The Redis keys of one lock, and where they are. */
export interface KeysOfLock {
  readonly lock: string;
  readonly queue: string;
  readonly alive: string;
  /** Those who hold it beside each other. */
  readonly holders: string;
  /** The last fencing number issued. */
  readonly counter: string;
  /** Channel on which processes are told about the lock: this and a boot id. */
  readonly channel: string;
  /** The Cluster slot of all of these; 0 on a single server. */
  readonly slot: number;
}

/**
 * Names every key and channel in Redis; nothing else does. Our own begin with `!`, which no lock
 * key may, and carry the lock's hash tag, so that all keys of a lock live in one Cluster slot.
 */
export class LockKeys {
  readonly #counter: string;
  readonly #channel: string;
  readonly #tags = new SlotTags();
  readonly #known = new Map<string, KeysOfLock>();

  /**
   * @param prefix The client's own `keyPrefix`, then the module's.
   * @param clustered Whether counter and channel must be in the lock's slot as well.
   */
  constructor(
    private readonly prefix: string,
    private readonly clustered = false,
  ) {
    this.#counter = `${prefix}!fence`;
    this.#channel = `${prefix}!g:`;
  }

  of(key: string): KeysOfLock {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = this.#name(key);
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, made);
    return made;
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

  /** Whether a value is no lock but the fence counter of an application whose prefix begins with ours. */
  isOthersCounter({ lock }: KeysOfLock, value: string): boolean {
    return COUNTER.test(lock) && /^\d+$/.test(value);
  }

  /** The glob for locks whose application key matches `match`. */
  glob(match: string): string {
    return this.prefix.replace(/[\\*?[\]]/g, '\\$&') + match;
  }

  #name(key: string): KeysOfLock {
    const lock = this.prefix + key;
    const tag = hashTag(lock);
    const tail = this.#tail(key, lock, tag);
    const queue = `${this.prefix}!q:${tail}`;
    const alive = `${this.prefix}!a:${tail}`;
    const holders = `${this.prefix}!h:${tail}`;
    const slot = this.clustered ? slotOf(tag ?? lock) : 0;
    const counter = this.#counter + (this.clustered ? `:{${this.#tags.of(slot)}}` : '');
    const channel =
      this.#channel + (this.clustered ? `${tail.slice(0, tail.indexOf('}') + 1)}:` : '');
    // Written out: to add to a spread object costs several µs, and every lock comes by here.
    return { lock, queue, alive, holders, counter, channel, slot };
  }

  /**
   * A tag shared by several locks needs the key beside it. Where the lock has no tag it is its
   * own, unless a brace in it would end the tag early: then a tag without braces stands for it.
   */
  #tail(key: string, lock: string, tag: string | undefined): string {
    if (tag !== undefined) return `{${tag}}:${key}`;
    if (!lock.includes('}')) return `{${lock}}`;
    return `{${this.#tags.of(slotOf(lock))}}:${key}`;
  }
}

/** What makes `prefix` unusable in a Cluster: a brace in it that takes the keys of one lock apart. */
export function checkClusterPrefix(prefix: string): string[] {
  if (!prefix.includes('{') || hashTag(prefix) !== undefined) return [];
  return [
    `keyPrefix ${JSON.stringify(prefix)} can't be used in a Redis Cluster: its brace must begin a hash tag, as in "{app}:", or go.`,
  ];
}
