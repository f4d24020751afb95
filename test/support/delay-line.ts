/** Passes chunks on after a delay, in order. */
export class DelayLine {
  readonly #chunks: { chunk: Buffer; dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param delayMs Asked for each chunk as it comes. */
  constructor(
    private readonly delayMs: () => number,
    private readonly write: (chunk: Buffer) => void,
  ) {}

  pass(chunk: Buffer): void {
    this.#chunks.push({ chunk, dueAt: performance.now() + this.delayMs() });
    if (this.#timer === undefined) this.#writeDue();
  }

  /** Drops what has not been passed on. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#chunks.length = 0;
  }

  #writeDue(): void {
    this.#timer = undefined;
    for (let next = this.#chunks[0]; next !== undefined; next = this.#chunks[0]) {
      const early = next.dueAt - performance.now();
      if (early > 0) {
        this.#timer = setTimeout(() => this.#writeDue(), Math.ceil(early));
        return;
      }
      this.#chunks.shift();
      this.write(next.chunk);
    }
  }
}
