/** What goes on after a handler's values have been handed on: bodies that nobody waits for, responses. */
export class OpenWork {
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  get busy(): boolean {
    return this.#open > 0;
  }

  /** @returns Ends what began; must be called once. */
  begin(): () => void {
    this.#open += 1;
    return () => {
      this.#open -= 1;
      if (this.#open === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }

  /** Resolves when all that began has ended. */
  async ended(): Promise<void> {
    while (this.busy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
