/** An async iterator that is opened by its first `next()`; `undefined` stands for an empty one. */
export class DeferredIterator implements AsyncIterableIterator<unknown> {
  #inner: Promise<AsyncIterator<unknown> | undefined> | undefined;

  constructor(private readonly open: () => Promise<AsyncIterator<unknown> | undefined>) {}

  async next(...value: [] | [unknown]): Promise<IteratorResult<unknown>> {
    const inner = await (this.#inner ??= this.open());
    return inner?.next(...value) ?? { done: true, value: undefined };
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    const inner = await this.#openedOrClosed();
    return inner?.return?.(value) ?? { done: true, value };
  }

  async throw(error?: unknown): Promise<IteratorResult<unknown>> {
    const inner = await this.#openedOrClosed();
    if (inner?.throw === undefined) throw error;
    return inner.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Whoever stops before the first step never opens it; a failure to open is told by `next()`. */
  #openedOrClosed(): Promise<AsyncIterator<unknown> | undefined> {
    this.#inner ??= Promise.resolve(undefined);
    return this.#inner.catch(() => undefined);
  }
}
