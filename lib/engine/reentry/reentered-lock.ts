import { checkReentry } from '../api/capacity.js';
import type { Duration } from '../api/duration.js';
import { type LockConfigError, LockLostError } from '../api/errors.js';
import type { LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import { DetachableLock } from './detachable-lock.js';
import { outerHolds } from './detached.js';
import type { LockPart, ReentrantLock } from './reentrant-lock.js';
import { type ReentryContext, ReentryQueue } from './reentry-queue.js';

/** A lock that was re-entered: the same holder, lease and fencing number; its release ends a turn. */
export class ReenteredLock extends DetachableLock implements ReentrantLock {
  readonly #outer: ReentrantLock;
  readonly #request: LockRequest;
  readonly #reentries: ReentryQueue;
  #over = false;
  #release: Promise<'released' | 'lost'> | undefined;

  /** @param keys Those of the outer lock's that the call asked for. */
  constructor(
    outer: ReentrantLock,
    readonly keys: LockKeys,
    request: LockRequest,
    context: ReentryContext,
  ) {
    super();
    this.#outer = outer;
    this.#request = request;
    this.#reentries = new ReentryQueue(outer, context);
  }

  get request(): LockRequest {
    return this.#request;
  }

  get reentries(): ReentryQueue {
    return this.#reentries;
  }

  get parts(): readonly LockPart[] {
    return this.#outer.parts;
  }

  get key(): string {
    return this.keys[0];
  }

  get fencingToken(): number {
    return this.#outer.fencingToken;
  }

  get signal(): AbortSignal {
    return this.#outer.signal;
  }

  get remainingMs(): number {
    return this.#over ? 0 : this.#outer.remainingMs;
  }

  get over(): boolean {
    return this.#over;
  }

  get lostError(): LockLostError | undefined {
    return this.#outer.lostError;
  }

  onLoss(listener: (error: LockLostError) => void): () => void {
    return this.#outer.onLoss(listener);
  }

  /** Its signal is that of the outer lock, which tells of a loss all the same. */
  get isWatched(): boolean {
    return false;
  }

  drop(): void {
    void this.release();
  }

  get reentered(): boolean {
    return this.#reentries.busy;
  }

  run<T>(task: () => T): T {
    return task();
  }

  assertHeld(): void {
    if (this.#over) throw new LockLostError(this.keys, 0, 'this re-entry has ended.');
    this.#outer.assertHeld();
  }

  async extend(ttl?: Duration): Promise<void> {
    this.assertHeld();
    await this.#outer.extend(ttl);
  }

  release(): Promise<'released' | 'lost'> {
    return (this.#release ??= this.#end());
  }

  /** What the code around holds is as it is, and stays locked for as long as this call wants. */
  settle({ minHold }: LockRequest): Promise<boolean> {
    if (minHold > 0) for (const part of partsOf(this, this.keys)) part.keepFor(minHold);
    return Promise.resolve(true);
  }

  override detachRefusal(keys: readonly string[]): LockConfigError {
    return outerHolds(keys);
  }

  leaveHeld(): Promise<never> {
    return Promise.reject(outerHolds(this.keys));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #end(): Promise<'released' | 'lost'> {
    while (this.#reentries.busy) await this.#reentries.idle();
    this.#over = true;
    this.#outer.reentries.endTurn();
    return this.lostError === undefined ? 'released' : 'lost';
  }
}

/**
 * Waits for a turn of a lock that the calling context holds.
 *
 * @param keys Those of its keys that the call asks for.
 * @throws {LockLostError} It is lost.
 * @throws {LockConfigError} The call wants it for itself and would wait for itself.
 */
export async function reenter(
  outer: ReentrantLock,
  keys: LockKeys,
  request: LockRequest,
  context: ReentryContext,
): Promise<ReenteredLock> {
  checkReentries(outer, keys, request);
  if (outer.lostError !== undefined) throw outer.lostError;
  await outer.reentries.take(request, keys);
  if (outer.lostError !== undefined) {
    outer.reentries.endTurn();
    throw outer.lostError;
  }
  const lock = new ReenteredLock(outer, keys, request, context);
  await lock.settle(request);
  return lock;
}

/** @throws {LockConfigError} A call of this kind can't re-enter the lock for one of these keys. */
export function checkReentries(
  outer: ReentrantLock,
  keys: readonly string[],
  { capacity }: LockRequest,
): void {
  for (const part of partsOf(outer, keys)) checkReentry(part, capacity);
}

function partsOf({ parts }: ReentrantLock, keys: readonly string[]): readonly LockPart[] {
  return parts.filter(({ key }) => keys.includes(key));
}
