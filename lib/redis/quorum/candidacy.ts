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
import type { Answers, QuorumNodes } from './nodes.js';

/**
 * One token at all the nodes. Its commands to one node run one after another: what gives a vote back can't overtake
 * what asks for it, though the answer is late or never comes.
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
  /** The last command under way to a node. */
  readonly #last = new Map<QuorumNode, Promise<unknown>>();
  /** Nodes that may have the token. */
  readonly #asked: Set<QuorumNode>;
  /** What nodes answered that gave it up. */
  readonly #released = new Map<QuorumNode, Promise<ReleaseReply>>();
  /** Nodes that a release may still reach, by a connection that is given up: nothing tells for how long. */
  readonly #astray = new Set<QuorumNode>();

  /** @param asked All nodes, for a token of which nothing is known. */
  constructor(
    readonly key: string,
    readonly token: string,
    readonly ttl: number,
    /** Where the token is queued, or was granted. */
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

  /** Asks the coordinator for its place, or its vote. */
  poll(command: PollCommand): Promise<PollReply> {
    const { coordinator, key } = this;
    return this.#inTurn(coordinator, () => coordinator.vote(key, (store) => store.poll(command)));
  }

  /**
   * Takes the token back from a node; one that does not hear of it is told when it is back. A node is not asked
   * twice: what it answered stands.
   */
  release(node: QuorumNode, minHoldLeft = 0): Promise<ReleaseReply> {
    if (!this.#asked.delete(node)) return this.#released.get(node) ?? Promise.resolve('not-held');
    const { key, token, ttl } = this;
    const sent = this.#inTurn(node, () => node.releases.release({ key, token, minHoldLeft }, ttl));
    // Of what it may have given up before, a node that has it no more proves no loss.
    const isProof = !this.mayHaveYielded || node !== this.coordinator;
    const answer = sent.then((was) => (was === 'not-held' && !isProof ? 'unconfirmed' : was));
    this.#released.set(node, answer);
    answer.then(
      (outcome) => outcome !== 'unconfirmed' || this.#astray.add(node),
      (error: unknown) => error instanceof NotAppliedError || this.#astray.add(node),
    );
    return answer;
  }

  /**
   * Takes the token back from all nodes at once. The coordinator decides who comes next, and is told last: by the
   * time that the next holder hears of it and asks the rest, their votes are free.
   */
  async releaseAll(nodes: QuorumNodes, minHoldLeft = 0): Promise<ReleaseReply> {
    const { coordinator, key } = this;
    const answers = await nodes.ask(
      [...nodes.except(coordinator), coordinator],
      (node) => this.release(node, minHoldLeft),
      (some) => {
        if (outcomeOf(nodes, some) === undefined) return 'wait';
        return some.some(({ node }) => node === coordinator) ? 'done' : 'soon';
      },
    );
    const outcome = outcomeOf(nodes, answers);
    if (outcome === undefined) throw nodes.unavailable(key, answers);
    return outcome;
  }

  /** Gives back what these nodes gave; one that does not hear of it is told later. */
  giveBack(nodes: readonly QuorumNode[]): void {
    for (const node of nodes) this.release(node).catch(() => undefined);
  }

  /** Whether no release of the token is on its way to the node, or may be: what it holds, it keeps. */
  isSettledAt(node: QuorumNode): boolean {
    return !this.#last.has(node) && !this.#released.has(node) && !this.#mayStillRelease(node);
  }

  /** Whether a release that was not answered may take a vote that the node gives from here on. */
  #mayStillRelease(node: QuorumNode): boolean {
    return this.#astray.has(node) || node.releases.owes(this.token);
  }

  /** Runs behind all that was sent to this node before. */
  #inTurn<T>(node: QuorumNode, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(node);
    const answer = before === undefined ? run() : before.then(run);
    const forget = (): void => {
      node.underway.delete(settled);
      if (this.#last.get(node) === settled) this.#last.delete(node);
    };
    const settled: Promise<void> = answer.then(forget, forget);
    node.underway.add(settled);
    this.#last.set(node, settled);
    return answer;
  }
}

/** Whether a majority had the token; `undefined`: not known. */
function outcomeOf(nodes: QuorumNodes, answers: Answers<ReleaseReply>): ReleaseReply | undefined {
  const count = (kind: ReleaseReply) => answers.filter(({ reply }) => reply === kind).length;
  const isReleased = nodes.agreed(count('released'), count('not-held'));
  if (isReleased !== undefined) return isReleased ? 'released' : 'not-held';
  return nodes.agreed(count('released') + count('unconfirmed'), 0) ? 'unconfirmed' : undefined;
}
