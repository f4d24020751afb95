import { setTimeout as sleep } from 'node:timers/promises';

import type { LockManager } from '../../lib/engine/lock-manager.js';
import type { LockKey } from '../../lib/engine/api/lock-key.js';
import type { Lock } from '../../lib/engine/api/lock.js';
import { afterTest } from './after-test.js';
import { eventually } from './eventually.js';

export interface TrafficOptions {
  /** Callers of each key in each manager. @default 2 */
  readonly callers?: number;
  /** Longest wait of each call; milliseconds. @default 30_000 */
  readonly wait?: number;
}

/** Many callers that take the same few locks again and again, and watch each other. */
export class Traffic {
  /** When somebody entered last, by what it took. */
  readonly enteredAt = new Map<LockKey, number>();
  entries = 0;
  /** Sections that began while another's lease had not ended. */
  overlaps = 0;
  /** Sections whose fencing number was not larger than that of a section before. */
  inversions = 0;
  /** Locks that were lost while they were held. */
  lost = 0;
  /** What calls were rejected with. */
  readonly errors: unknown[] = [];
  /** The longest time in which nobody entered, in milliseconds. */
  longestPause = 0;
  readonly #inside = new Map<string, Set<Lock>>();
  readonly #fences = new Map<string, number>();
  readonly #callers: Promise<void>[] = [];
  #lastEntry = performance.now();
  #stopped = false;

  constructor(
    managers: readonly LockManager[],
    /** What callers take; some may name several keys. */
    readonly keys: readonly LockKey[],
    { callers = 2, wait = 30_000 }: TrafficOptions = {},
  ) {
    for (const manager of managers)
      for (const key of keys)
        for (let i = 0; i < callers; i += 1) this.#callers.push(this.#call(manager, key, wait));
    // A test that fails does not get to its end.
    afterTest(() => (this.#stopped = true));
  }

  /** Forgets what was seen so far, but who is inside and the fencing numbers. */
  mark(): void {
    this.entries = 0;
    this.longestPause = 0;
    this.#lastEntry = performance.now();
    this.enteredAt.clear();
  }

  /** Resolves when every lock has been entered since the last {@link mark}; rejects after `within` ms. */
  async flows(within = 20_000): Promise<void> {
    await eventually(
      () => {
        const dry = this.keys.filter((key) => !this.enteredAt.has(key));
        if (dry.length > 0) throw new Error(`Nobody has entered ${dry.join(', ')}.`);
      },
      { within },
    );
  }

  /** Resolves when every caller has come to its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }

  async #call(manager: LockManager, key: LockKey, wait: number): Promise<void> {
    while (!this.#stopped) {
      try {
        await manager.withLock(key, (lock) => this.#section(key, lock), { wait, onLost: 'report' });
      } catch (error) {
        this.errors.push(error);
        await sleep(20);
      }
    }
  }

  async #section(taken: LockKey, lock: Lock): Promise<void> {
    const now = performance.now();
    this.entries += 1;
    this.enteredAt.set(taken, now);
    this.longestPause = Math.max(this.longestPause, now - this.#lastEntry);
    this.#lastEntry = now;
    for (const key of lock.keys) this.#enter(key, lock);
    await sleep(Math.random() * 3);
    if (lock.signal.aborted) this.lost += 1;
    for (const key of lock.keys) this.#inside.get(key)?.delete(lock);
  }

  #enter(key: string, lock: Lock): void {
    const inside = this.#inside.get(key) ?? new Set();
    this.#inside.set(key, inside);
    for (const other of inside) if (other.remainingMs > 0) this.overlaps += 1;
    if (lock.fencingToken <= (this.#fences.get(key) ?? 0)) this.inversions += 1;
    else this.#fences.set(key, lock.fencingToken);
    inside.add(lock);
  }
}
