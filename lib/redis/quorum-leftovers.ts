import type { QuorumClaim } from './quorum-claim.js';
import type { QuorumGroup } from './quorum-group.js';

/** How long a successor is given to fetch the votes before they are released, in milliseconds. */
const PATIENCE_MS = 100;

/**
 * Votes of tokens that have handed the coordinator to a waiter, for that one to fetch. Should it
 * die or not hear of its turn, they are released after a while; when this process has the lock
 * again, a majority has passed on, and who could not be asked for its vote is owed a release by the one
 * who asked.
 */
export class QuorumLeftovers {
  readonly #left = new Map<string, { readonly claim: QuorumClaim; readonly since: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly group: QuorumGroup) {}

  add(claim: QuorumClaim): void {
    void this.#left.get(claim.key)?.claim.giveBack(this.group.nodes);
    this.#left.set(claim.key, { claim, since: performance.now() });
    this.#timer ??= setTimeout(() => this.#sweep(), PATIENCE_MS).unref();
  }

  /** This process has the lock of `key`, by a majority. */
  drop(key: string): void {
    this.#left.delete(key);
  }

  /** Releases everything; resolves when the nodes that can be reached have heard of it. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const claims = [...this.#left.values()].map(({ claim }) => claim);
    this.#left.clear();
    await Promise.all(claims.map((claim) => claim.giveBack(this.group.nodes)));
  }

  #sweep(): void {
    const latest = performance.now() - PATIENCE_MS;
    for (const [key, { claim, since }] of this.#left) {
      if (since > latest) break;
      this.#left.delete(key);
      void claim.giveBack(this.group.nodes);
    }
    const more = this.#left.size > 0;
    this.#timer = more ? setTimeout(() => this.#sweep(), PATIENCE_MS).unref() : undefined;
  }
}
