/** A release that a node did not hear, to be repeated until it makes no sense any more. */
export interface Debt {
  readonly key: string;
  readonly dwell: number;
  readonly until: number;
}

/** How long a node that has refused one is left alone, in milliseconds. */
const PAUSE_MS = 1000;

/** What a node is to be told as soon as it hears again. */
export class QuorumDebts {
  readonly #owed = new Map<string, Debt>();
  #settling = false;
  #pausedUntil = 0;

  /** @param release Tells the node, once. */
  constructor(private readonly release: (token: string, debt: Debt) => Promise<unknown>) {}

  owe(token: string, debt: Debt): void {
    this.#owed.set(token, debt);
  }

  owes(token: string): boolean {
    return this.#owed.has(token);
  }

  /** The node can be reached anew. */
  async retry(): Promise<void> {
    this.#pausedUntil = 0;
    await this.settle();
  }

  /** Repeats all; what fails once more stays, and waits a while. */
  async settle(): Promise<void> {
    if (this.#settling || this.#owed.size === 0) return;
    const now = performance.now();
    if (now < this.#pausedUntil) return;
    this.#settling = true;
    const repeats = [...this.#owed].map(async ([token, debt]) => {
      if (debt.until >= now) await this.release(token, debt);
      if (this.#owed.get(token) === debt) this.#owed.delete(token);
    });
    const outcomes = await Promise.allSettled(repeats);
    if (outcomes.some(({ status }) => status === 'rejected')) this.#pausedUntil = now + PAUSE_MS;
    this.#settling = false;
  }

  clear(): void {
    this.#owed.clear();
  }
}
