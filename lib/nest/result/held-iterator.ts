import { AsyncResource } from 'node:async_hooks';
import type { Lock } from '../../engine/api/lock.js';

/**
 * An async iterator whose steps run in the context that it was made in, where its lock is held.
 * Each call goes straight through: a generator of our own would queue `return()` behind a `next()`
 * that may never settle.
 */
export class HeldIterator implements AsyncIterableIterator<unknown> {
  readonly #scope = new AsyncResource('HeldIterator');
  readonly #inner: AsyncIterator<unknown>;
  readonly #lock: Lock;
  readonly #end: () => Promise<unknown>;
  #begun = false;

  /** @param end Called when the iteration is over, and awaited before its consumer is told. */
  constructor(inner: AsyncIterator<unknown>, lock: Lock, end: () => Promise<unknown>) {
    this.#inner = inner;
    this.#lock = lock;
    this.#end = end;
  }

  next(...value: [] | [unknown]): Promise<IteratorResult<unknown>> {
    return this.#step(() => {
      this.#begin();
      return this.#inner.next(...value);
    });
  }

  return(value?: unknown): Promise<IteratorResult<unknown>> {
    return this.#step(() => this.#inner.return?.(value) ?? Promise.resolve({ done: true, value }));
  }

  throw(reason?: unknown): Promise<IteratorResult<unknown>> {
    return this.#step(() => {
      if (this.#inner.throw === undefined) throw reason;
      return this.#inner.throw(reason);
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Where the lock is gone nothing may begin: what is open is closed. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    try {
      this.#lock.assertHeld();
    } catch (lost) {
      void Promise.resolve(this.#inner.return?.()).catch(() => {});
      throw lost;
    }
  }

  async #step(move: () => Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> {
    let result: IteratorResult<unknown>;
    try {
      result = await this.#scope.runInAsyncScope(move);
    } catch (error) {
      await this.#end().catch(() => {});
      throw error;
    }
    if (result.done) await this.#end();
    return result;
  }
}
