import type { Clock, Timer } from '../../engine/time/clock.js';

/** A release that its node did not hear. */
export interface OwedRelease {
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
  readonly #owed = new Map<string, OwedRelease>();
  #settling = false;
  #pausedUntil = 0;
  #closed = false;
  #timer: Timer | undefined;

  /** @param tell Tells the node, once. */
  constructor(
    private readonly tell: (token: string, release: OwedRelease) => Promise<unknown>,
    private readonly clock: Clock,
  ) {}

  owe(token: string, release: OwedRelease): void {
    if (this.#closed) return;
    this.#forgive();
    this.#owed.set(token, release);
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
    if (this.clock.now() < this.#pausedUntil) return;
    this.#settling = true;
    const [first, ...rest] = [...this.#owed.keys()];
    const hears = first === undefined || (await this.#repeat(first));
    const all = hears ? await Promise.all(rest.map((token) => this.#repeat(token))) : [false];
    if (all.includes(false)) this.#pausedUntil = this.clock.now() + PAUSE_MS;
    this.#settling = false;
    if (this.#owed.size > 0) this.#repeatLater();
  }

  /** Nothing more will be told. */
  close(): void {
    this.#closed = true;
    this.clock.cancel(this.#timer);
    this.#owed.clear();
  }

  /** Whether the node has heard; else another one is tried next. */
  async #repeat(token: string): Promise<boolean> {
    const release = this.#owed.get(token);
    if (release === undefined) return true;
    try {
      if (release.until >= this.clock.now()) await this.tell(token, release);
      if (this.#owed.get(token) === release) this.#owed.delete(token);
      return true;
    } catch {
      const latest = this.#owed.get(token);
      if (latest !== undefined && this.#owed.delete(token)) this.#owed.set(token, latest);
      return false;
    }
  }

  /** The oldest that are over have ended by themselves: they do not pile up. */
  #forgive(): void {
    const now = this.clock.now();
    for (const [token, { until }] of this.#owed) {
      if (until >= now) return;
      this.#owed.delete(token);
    }
  }

  #repeatLater(): void {
    this.#timer ??= this.clock.after(
      PAUSE_MS,
      () => {
        this.#timer = undefined;
        void this.retry();
      },
      'observer',
    );
  }
}
