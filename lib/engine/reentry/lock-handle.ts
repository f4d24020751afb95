import type { Duration } from '../api/duration.js';
import type { Lock } from '../api/lock.js';
import { ShownLock } from '../api/shown-lock.js';
import type { ReentrantLock } from './reentrant-lock.js';

/** What `acquire` gives: nothing of ours refers to it, so that a dropped one is collected. */
export class LockHandle extends ShownLock implements Lock {
  readonly #lock: ReentrantLock;
  readonly #among: Set<LockHandle>;

  /** @param among The handles that it is to be one of until it is released. */
  constructor(lock: ReentrantLock, among: Set<LockHandle>) {
    super();
    this.#lock = lock;
    this.#among = among.add(this);
  }

  /** The lock behind a handle. */
  static lockOf(handle: LockHandle): ReentrantLock {
    return handle.#lock;
  }

  get key(): string {
    return this.#lock.key;
  }

  get keys(): readonly string[] {
    return this.#lock.keys;
  }

  get fencingToken(): number {
    return this.#lock.fencingToken;
  }

  get signal(): AbortSignal {
    return this.#lock.signal;
  }

  get remainingMs(): number {
    return this.#lock.remainingMs;
  }

  assertHeld(): void {
    this.#lock.assertHeld();
  }

  extend(ttl?: Duration): Promise<void> {
    return this.#lock.extend(ttl);
  }

  release(): Promise<'released' | 'lost'> {
    this.#among.delete(this);
    return this.#lock.release();
  }

  detach(): Promise<string> {
    return this.#lock.detach();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#among.delete(this);
    return this.#lock[Symbol.asyncDispose]();
  }
}
