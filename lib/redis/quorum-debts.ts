/** A release that a node did not hear, to be repeated until it makes no sense any more. */
export interface Debt {
  readonly key: string;
  readonly dwell: number;
  readonly until: number;
}

/** What a node is to be told as soon as it hears again. */
export class QuorumDebts {
  readonly #owed = new Map<string, Debt>();
  #settling = false;

  /** @param release Tells the node, once. */
  constructor(private readonly release: (token: string, debt: Debt) => Promise<unknown>) {}

  owe(token: string, debt: Debt): void {
    this.#owed.set(token, debt);
  }

  owes(token: string): boolean {
    return this.#owed.has(token);
  }

  /** Repeats all; what fails once more stays. */
  async settle(): Promise<void> {
    if (this.#settling || this.#owed.size === 0) return;
    this.#settling = true;
    const now = performance.now();
    const repeats = [...this.#owed].map(async ([token, debt]) => {
      if (debt.until >= now) await this.release(token, debt);
      if (this.#owed.get(token) === debt) this.#owed.delete(token);
    });
    await Promise.allSettled(repeats);
    this.#settling = false;
  }

  clear(): void {
    this.#owed.clear();
  }
}
