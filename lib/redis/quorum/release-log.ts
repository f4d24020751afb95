import { NotAppliedError, type ReleaseReply } from '../../engine/store/lock-store.js';
import type { QuorumNode } from './node.js';

/** What one node was told. */
interface Told {
  /** How many releases, sent or not. */
  count: number;
  /** How many of them have been answered, or given up. */
  ended: number;
  /** Whether what the node pushes may be older than one that took the vote. */
  doubtful: boolean;
  /** Whether one has taken a vote since the last that was asked for, or may have. */
  taken: boolean;
  /** Whether one may still reach the node, by a connection that is given up. */
  astray: boolean;
}

const UNTOLD: Told = { count: 0, ended: 0, doubtful: false, taken: false, astray: false };

/**
 * The releases of one token, as far as its votes depend on them: what a node pushes and what it
 * answers come by two connections, in any order, and a release that was not answered is repeated.
 */
export class ReleaseLog {
  readonly #told = new Map<QuorumNode, Told>();

  constructor(private readonly token: string) {}

  told(node: QuorumNode, answer: Promise<ReleaseReply>): void {
    const its = this.#told.get(node) ?? { ...UNTOLD };
    its.count += 1;
    its.doubtful = true;
    this.#told.set(node, its);
    answer.then(
      (outcome) => this.#end(node, its, outcome),
      (error: unknown) =>
        this.#end(node, its, error instanceof NotAppliedError ? undefined : 'unconfirmed'),
    );
  }

  /** How many a node has been told, sent or not. */
  toldTo(node: QuorumNode): number {
    return this.#told.get(node)?.count ?? 0;
  }

  /** How many a node has behind it; `undefined`: one may still come. */
  behind(node: QuorumNode): number | undefined {
    const its = this.#told.get(node);
    if (its === undefined) return 0;
    return its.count === its.ended && !this.mayStillCome(node) ? its.count : undefined;
  }

  /** Whether one that was not answered may reach the node now: a vote would not last. */
  mayStillCome(node: QuorumNode): boolean {
    return this.#told.get(node)?.astray === true || node.owes(this.token);
  }

  /** The node has voted when it was asked, after it had been told of `count` releases. */
  voted(node: QuorumNode, count: number): void {
    const its = this.#told.get(node);
    if (its?.count !== count) return;
    its.doubtful = false;
    its.taken = false;
  }

  /** Whether what the node pushes may be older than a release, or a release may still follow it. */
  outdates(node: QuorumNode): boolean {
    return this.#told.get(node)?.doubtful === true || this.mayStillCome(node);
  }

  #end(node: QuorumNode, its: Told, outcome: ReleaseReply | undefined): void {
    its.ended += 1;
    if (outcome === 'unconfirmed') its.astray = true;
    if (outcome !== 'not-held') its.taken = true;
    // It had no vote, and none was taken: what it pushes was given later, or has expired.
    else if (!its.taken && this.behind(node) !== undefined) its.doubtful = false;
  }
}
