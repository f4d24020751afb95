/** Passes chunks on after a delay, in order. */
export class DelayLine {
  readonly #chunks: { chunk: Buffer; dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param delayMs NodeQuestion for each chunk as it comes; `Infinity` keeps it back until `release()`. */
  constructor(
    private readonly delayMs: () => number,
    private readonly write: (chunk: Buffer) => void,
  ) {}

  /** Whether the next chunk waits for `release()`. */
  get isHeld(): boolean {
    return this.#chunks[0]?.dueAt === Infinity;
  }

  pass(chunk: Buffer): void {
    this.#chunks.push({ chunk, dueAt: performance.now() + this.delayMs() });
    if (this.#timer === undefined) this.#writeDue();
  }

  /** Passes on what was kept back. */
  release(): void {
    for (const kept of this.#chunks) if (kept.dueAt === Infinity) kept.dueAt = 0;
    this.#writeDue();
  }

  /** Drops what has not been passed on. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#chunks.length = 0;
  }

  #writeDue(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let next = this.#chunks[0]; next !== undefined; next = this.#chunks[0]) {
      const early = next.dueAt - performance.now();
      if (early === Infinity) return;
      if (early > 0) {
        this.#timer = setTimeout(() => this.#writeDue(), Math.ceil(early));
        return;
      }
      this.#chunks.shift();
      this.write(next.chunk);
    }
  }
}
