import type { ReleaseReply } from '../engine/lock-store.js';
import type { QuorumNode } from './quorum-node.js';

/**
 * The releases of one token, as far as its votes depend on them: what a node pushes and what it
 * answers come by two connections, in any order, and a release that was not answered is repeated.
 */
export class QuorumReleases {
  readonly #told = new Map<QuorumNode, number>();
  readonly #ended = new Map<QuorumNode, number>();
  /** Nodes whose pushes may be older than a release that took the vote. */
  readonly #doubtful = new Set<QuorumNode>();

  constructor(private readonly token: string) {}

  told(node: QuorumNode, answer: Promise<ReleaseReply>): void {
    this.#told.set(node, this.toldTo(node) + 1);
    this.#doubtful.add(node);
    answer.then(
      (outcome) => this.#end(node, outcome),
      () => this.#end(node),
    );
  }

  /** How many a node has been told, sent or not. */
  toldTo(node: QuorumNode): number {
    return this.#told.get(node) ?? 0;
  }

  /** How many a node has behind it; `undefined`: one may still come. */
  behind(node: QuorumNode): number | undefined {
    const told = this.toldTo(node);
    const hasEnded = told === (this.#ended.get(node) ?? 0);
    return hasEnded && !node.owes(this.token) ? told : undefined;
  }

  /** The node has voted when it was asked, after it had been told of `told` releases. */
  voted(node: QuorumNode, told: number): void {
    if (this.toldTo(node) === told) this.#doubtful.delete(node);
  }

  /** Whether what the node pushes may be older than a release, or a release may still follow it. */
  outdates(node: QuorumNode): boolean {
    return this.#doubtful.has(node) || node.owes(this.token);
  }

  #end(node: QuorumNode, outcome?: ReleaseReply): void {
    this.#ended.set(node, (this.#ended.get(node) ?? 0) + 1);
    // It had no vote then: what it pushes was given later, or has expired.
    if (outcome === 'not-held' && this.behind(node) !== undefined) this.#doubtful.delete(node);
  }
}
