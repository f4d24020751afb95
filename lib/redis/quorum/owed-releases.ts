/** A release that its node did not hear. */
export interface Debt {
  readonly key: string;
  readonly minHoldLeft: number;
  readonly until: number;
}

/** How long a node that has not heard one is left alone, in milliseconds. */
const PAUSE_MS = 1000;

/**
 * What a node is to be told as soon as it hears again: when it answers something else, when it is
 * connected anew, and once a second. The first one tries whether it hears; the rest follow.
 */
export class OwedReleases {
  readonly #owed = new Map<string, Debt>();
  #settling = false;
  #pausedUntil = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param release Tells the node, once. */
  constructor(private readonly release: (token: string, debt: Debt) => Promise<unknown>) {}

  owe(token: string, debt: Debt): void {
    if (this.#closed) return;
    this.#forgive();
    this.#owed.set(token, debt);
    this.#repeatLater();
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
    if (performance.now() < this.#pausedUntil) return;
    this.#settling = true;
    const [first, ...rest] = [...this.#owed.keys()];
    const hears = first === undefined || (await this.#repeat(first));
    const all = hears ? await Promise.all(rest.map((token) => this.#repeat(token))) : [false];
    if (all.includes(false)) this.#pausedUntil = performance.now() + PAUSE_MS;
    this.#settling = false;
    if (this.#owed.size > 0) this.#repeatLater();
  }

  /** Nothing more will be told. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#owed.clear();
  }

  /** Whether the node has heard; else another one is tried next. */
  async #repeat(token: string): Promise<boolean> {
    const debt = this.#owed.get(token);
    if (debt === undefined) return true;
    try {
      if (debt.until >= performance.now()) await this.release(token, debt);
      if (this.#owed.get(token) === debt) this.#owed.delete(token);
      return true;
    } catch {
      const latest = this.#owed.get(token);
      if (latest !== undefined && this.#owed.delete(token)) this.#owed.set(token, latest);
      return false;
    }
  }

  /** The oldest that are over have ended by themselves: they do not pile up. */
  #forgive(): void {
    const now = performance.now();
    for (const [token, { until }] of this.#owed) {
      if (until >= now) return;
      this.#owed.delete(token);
    }
  }

  #repeatLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.retry();
    }, PAUSE_MS).unref();
  }
}
