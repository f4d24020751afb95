import type { Duration } from '../api/duration.js';
import type { Lock } from '../api/lock.js';
import { ShownLock } from '../api/shown-lock.js';
import type { ReentrantLock } from './reentrant-lock.js';

/** What `acquire` gives: nothing of ours refers to it, so that a dropped one is collected. */
export class LockHandle extends ShownLock implements Lock {
  readonly #lock: ReentrantLock;
  readonly #among: LockHandle[];
  /** Where among them it is; -1: it was taken out. */
  #at: number;

  /** @param among The handles that it is to be one of until it is released. */
  constructor(lock: ReentrantLock, among: LockHandle[]) {
    super();
    this.#lock = lock;
    this.#among = among;
    this.#at = among.push(this) - 1;
  }

  /** Takes all of them out; returns each with the lock behind it. */
  static takeAll(among: LockHandle[]): readonly (readonly [LockHandle, ReentrantLock])[] {
    return among.splice(0).map((handle) => {
      handle.#at = -1;
      return [handle, handle.#lock];
    });
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
    this.#takeOut();
    return this.#lock.release();
  }

  detach(): Promise<string> {
    return this.#lock.detach();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#takeOut();
    return this.#lock[Symbol.asyncDispose]();
  }

  /** The last one moves to its place: a `Set` would take three times as long. */
  #takeOut(): void {
    if (this.#at < 0) return;
    const last = this.#among.pop();
    if (last !== undefined && last !== this) {
      this.#among[this.#at] = last;
      last.#at = this.#at;
    }
    this.#at = -1;
  }
}
