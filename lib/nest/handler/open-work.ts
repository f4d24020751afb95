/** What goes on after a handler's values have been handed on: bodies that nobody waits for, responses. */
export class OpenWork {
  #open = 0;
  #ended: (() => void) | undefined;

  get busy(): boolean {
    return this.#open > 0;
  }

  begin(): void {
    this.#open += 1;
  }

  /** Ends what began. */
  readonly end = (): void => {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#ended?.();
    this.#ended = undefined;
  };

  /** Goes on when all that began has ended. One party asks. */
  whenEnded(go: () => void): void {
    if (this.busy) this.#ended = () => this.whenEnded(go);
    else go();
  }
}
