import { AsyncResource } from 'node:async_hooks';

/**
 * An async iterator whose steps run in the context that it was made in, where its lock is held.
 * Each call goes straight through: a generator of our own would queue `return()` behind a `next()`
 * that may never settle.
 */
export class HeldIterator implements AsyncIterableIterator<unknown> {
  readonly #scope = new AsyncResource('HeldIterator');
  readonly #inner: AsyncIterator<unknown>;
  readonly #end: () => Promise<unknown>;

  /** @param end Called when the iteration is over, and awaited before its consumer is told. */
  constructor(inner: AsyncIterator<unknown>, end: () => Promise<unknown>) {
    this.#inner = inner;
    this.#end = end;
  }

  next(...value: [] | [unknown]): Promise<IteratorResult<unknown>> {
    return this.#step(() => this.#inner.next(...value));
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
