import type { Duration } from './duration.js';
import type { LockFacts } from './shown-lock.js';

/**
 * A held lock. `await using lock = await locks.acquire('k')` releases it at the end of the block.
 *
 * Exclusion holds until the local deadline, which is before the lease can end in Redis. Beyond it
 * (a stopped process, a failover) only storage that compares `fencingToken` is safe.
 *
 * @example
 * await using lock = await locks.acquire('report:7');
 * lock.assertHeld();
 * await save(lock.fencingToken);
 */
export interface Lock {
  /** The first of {@link keys}. */
  readonly key: string;
  /** What is held: all keys of the call, in the order of their bytes, each once. */
  readonly keys: readonly string[];
  /** A safe integer, larger for every later holder of any of the keys; not among those of several permits. */
  readonly fencingToken: number;
  /** Aborted with a `LockLostError` when the lease is, or may be, gone; never after the release. */
  readonly signal: AbortSignal;
  /** Milliseconds of lease left by the local monotonic clock; 0 once lost or released. */
  readonly remainingMs: number;
  /** Throws `LockLostError` when {@link remainingMs} is 0: call it right before a side effect. @example lock.assertHeld(); */
  assertHeld(): void;
  /**
   * Renews the lease to at least `ttl` from this moment, and at each renewal from then on.
   *
   * @example
   * await lock.extend('5m');
   *
   * @param ttl At least 100 ms. @default the lock's own
   * @throws {LockLostError} It is no longer held.
   * @throws {LockUnavailableError} Redis did not answer; the lease is what it was.
   */
  extend(ttl?: Duration): Promise<void>;
  /**
   * Gives the lock back and hands it to the next waiter; asks Redis once, later calls get the same answer.
   *
   * @example
   * if ((await lock.release()) === 'lost') console.warn(`${lock.key} had been lost`);
   *
   * @returns `'lost'` when it was no longer ours.
   * @throws {LockUnavailableError} Redis did not answer; the release is repeated in the background.
   */
  release(): Promise<'released' | 'lost'>;
  /**
   * Ends this handle without releasing: the lock stays held for a full `ttl` from here, and whoever has the
   * ticket takes it over with `attach`, once, in this or another process. A ticket is a secret: it is the lock.
   *
   * @example
   * const ticket = await lock.detach();
   *
   * @returns The ticket.
   * @throws {LockLostError} It is no longer held.
   * @throws {LockConfigError} Re-entered, or on a quorum; it is held as before.
   * @throws {LockUnavailableError} Redis did not answer; the lock is given back in the background.
   */
  detach(): Promise<string>;
  /** What may be shown of it, never its token; `util.inspect` shows the same. @example console.log(JSON.stringify(lock)); */
  toJSON(): LockFacts;
  /** `release()` that reports a failure by event and never throws. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * One lock as `inspect` and `list` show it.
 *
 * @example
 * for await (const { key, holders, waiters } of locks.list()) console.log(key, holders[0]?.label, waiters);
 */
export interface LockInfo {
  readonly key: string;
  readonly mode: 'exclusive' | 'shared';
  readonly permits: number;
  /** Callers waiting, as last reported by their processes. */
  readonly waiters: number;
  /** A foreign lock: `''`, `''`, 0. The remainder of a `minHold`: none. `ttlMs` is `Infinity` for a key that never expires. */
  readonly holders: readonly { label: string; host: string; pid: number; ttlMs: number }[];
}
