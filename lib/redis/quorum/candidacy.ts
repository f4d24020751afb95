import {
  type AcquireCommand,
  type AcquireReply,
  type Grant,
  NotAppliedError,
  type PollCommand,
  type PollReply,
  type ReleaseReply,
} from '../../engine/store/lock-store.js';
import type { QuorumNode } from './node.js';

/**
 * One token at all the nodes. Its commands to one node run one after another: what gives a vote
 * back can't overtake what asks for it, though the answer is late or never comes.
 */
export class Candidacy {
  /** That its turn has come, as the coordinator has pushed it, until it is used. */
  turn: Grant | undefined;
  /** Whether a majority gave it the lock. */
  held = false;
  /** The last fencing number that it may use. */
  fence = 0;
  /** Whether the coordinator may have given it up for another token, in the same step. */
  mayHaveYielded = false;
  readonly #last = new Map<QuorumNode, Promise<unknown>>();
  /** Nodes that may have the token. */
  readonly #asked: Set<QuorumNode>;
  /** What nodes answered that gave it up. */
  readonly #released = new Map<QuorumNode, Promise<ReleaseReply>>();
  /** Nodes that a release may still reach, by a connection that is given up. */
  readonly #astray = new Set<QuorumNode>();

  /**
   * @param coordinator Where the token is queued, or was granted.
   * @param asked All nodes, for a token of which nothing is known.
   */
  constructor(
    readonly key: string,
    readonly token: string,
    readonly ttl: number,
    public coordinator: QuorumNode,
    asked: readonly QuorumNode[] = [],
  ) {
    this.#asked = new Set(asked);
  }

  /** Asks one node for its vote, or for a place in its queue. */
  ask(node: QuorumNode, command: AcquireCommand, floor?: number): Promise<AcquireReply> {
    const known = this.#asked.has(node);
    this.#asked.add(node);
    this.#released.delete(node);
    const answer = this.#inTurn(node, async () => {
      if (this.#mayStillRelease(node))
        throw new NotAppliedError([this.key], 'it is being cleaned up.');
      return node.vote(this.key, (store) => store.acquire(command, floor));
    });
    answer.catch((error: unknown) => {
      if (!known && error instanceof NotAppliedError) this.#asked.delete(node);
    });
    return answer;
  }

  /** Whether no release of the token is on its way to the node, or may be: what it holds, it keeps. */
  isSettledAt(node: QuorumNode): boolean {
    return !this.#last.has(node) && !this.#released.has(node) && !this.#mayStillRelease(node);
  }

  /** Asks the coordinator for its place, or its vote. */
  poll(command: PollCommand): Promise<PollReply> {
    const { coordinator, key } = this;
    return this.#inTurn(coordinator, () => coordinator.vote(key, (store) => store.poll(command)));
  }

  /**
   * Takes the token back from a node; one that does not hear of it is told when it is back. A node
   * is not asked twice: what it answered stands.
   */
  release(node: QuorumNode, minHoldLeft = 0): Promise<ReleaseReply> {
    if (!this.#asked.delete(node)) return this.#released.get(node) ?? Promise.resolve('not-held');
    const { key, token } = this;
    const command = { key, token, minHoldLeft };
    const sent = this.#inTurn(node, () => node.release(command, this.ttl));
    const mayHaveYielded = this.mayHaveYielded && node === this.coordinator;
    const answer = mayHaveYielded ? sent.then(unproven) : sent;
    this.#released.set(node, answer);
    answer.then(
      (outcome) => {
        if (outcome === 'unconfirmed') this.#astray.add(node);
      },
      (error: unknown) => {
        if (!(error instanceof NotAppliedError)) this.#astray.add(node);
      },
    );
    return answer;
  }

  /** Gives back what these nodes gave; one that does not hear of it is told later. */
  giveBack(nodes: readonly QuorumNode[]): void {
    for (const node of nodes) this.release(node).catch(() => undefined);
  }

  /** Whether a release that was not answered may take a vote that the node gives from here on. */
  #mayStillRelease(node: QuorumNode): boolean {
    return this.#astray.has(node) || node.owes(this.token);
  }

  /** Runs behind all that was sent to this node before. */
  #inTurn<T>(node: QuorumNode, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(node);
    const answer = before === undefined ? run() : before.then(run);
    const settled: Promise<void> = answer.then(
      () => this.#settled(node, settled),
      () => this.#settled(node, settled),
    );
    this.#last.set(node, settled);
    return answer;
  }

  #settled(node: QuorumNode, command: Promise<void>): void {
    if (this.#last.get(node) === command) this.#last.delete(node);
  }
}

/** That it is not held any more is no proof of a loss. */
function unproven(outcome: ReleaseReply): ReleaseReply {
  return outcome === 'not-held' ? 'unconfirmed' : outcome;
}
