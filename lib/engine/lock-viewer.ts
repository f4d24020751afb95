import { EXCLUSIVE, kindOf } from './api/capacity.js';
import { isLockError, LockConfigError, type LockError } from './api/errors.js';
import { checkKey } from './api/lock-key.js';
import type { LockInfo } from './api/lock.js';
import { OptionReader } from './api/option-reader.js';
import type { GateRegistry } from './gate/gate-registry.js';
import { type LockHealth, PROBE } from './store/lock-health.js';
import { describeLock } from './store/lock-info.js';
import { describeQueue, type WaitingProcess } from './store/lock-queue.js';
import type { LockStore } from './store/lock-store.js';
import { UndecidedError } from './store/stored-lock.js';

/** Shows locks to people: what the store has of them, and what is known in this process. */
export class LockViewer {
  readonly #store: LockStore;
  readonly #gates: GateRegistry;

  constructor(store: LockStore, gates: GateRegistry) {
    this.#store = store;
    this.#gates = gates;
  }

  /** Who holds the lock; `null`: nobody. */
  async inspect(key: string): Promise<LockInfo | null> {
    const only = checkKey(key);
    const stored = await this.#store.inspect(only);
    const capacity = stored?.several?.capacity ?? EXCLUSIVE;
    return stored && describeLock(only, stored, this.#gates.stateOf(only, capacity));
  }

  /** Who waits for the lock, in order; the first few. */
  async queue(key: string): Promise<readonly WaitingProcess[]> {
    return describeQueue(await this.#store.queue(checkKey(key)));
  }

  /** All locks of this prefix; `match` is a glob as of Redis' `KEYS`. Not a snapshot. */
  async *list(options?: { match?: string }): AsyncIterable<LockInfo> {
    const reader = new OptionReader(options);
    reader.only(['match']);
    const match = reader.text('match', '*');
    if (reader.problems.length > 0) throw new LockConfigError(reader.problems);
    for await (const page of this.pages(match)) yield* await this.look(page);
  }

  /** The keys of {@link list}, each once, page by page: who pauses between them asks little of the store at a time. */
  async *pages(match = '*'): AsyncIterable<readonly string[]> {
    const seen = new Set<string>();
    for await (const page of this.#store.keys(match))
      yield page.filter((key) => !seen.has(key) && seen.add(key));
  }

  /** Who holds these locks; those that nobody holds are left out. */
  async look(keys: readonly string[]): Promise<LockInfo[]> {
    const infos = await Promise.all(keys.map((key) => this.#inspectListed(key)));
    return infos.filter((info) => info !== null);
  }

  /** How this process stands with its store. */
  async health(): Promise<LockHealth> {
    const { callers: waiters, longestMs: longestWaitMs } = this.#gates.waiting;
    const trouble = await this.#store.inspect(PROBE).then(
      () => undefined,
      (error: LockError) => error,
    );
    return { trouble, quorum: this.#store.quorum, waiters, longestWaitMs };
  }

  /**
   * What no lock can be is none of ours: a key of another type, or of a name that is not allowed. Of a lock that
   * one of several holds, nobody can tell which, all of them are shown: it hides no other one.
   */
  async #inspectListed(key: string): Promise<LockInfo | null> {
    try {
      return await this.inspect(key);
    } catch (error) {
      if (isLockError(error, 'LOCK_CONFIG') || isLockError(error, 'LOCK_KEY')) return null;
      if (!(error instanceof UndecidedError)) throw error;
      const here = this.#gates.stateOf(key, EXCLUSIVE);
      const shown = error.candidates.map((stored) => describeLock(key, stored, here));
      const waiters = Math.max(...shown.map((one) => one.waiters));
      const holders = shown.flatMap((one) => one.holders);
      return { key, ...kindOf(EXCLUSIVE), waiters, holders };
    }
  }
}
