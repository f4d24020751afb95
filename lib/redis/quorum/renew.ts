import type { RenewCommand, RenewReply } from '../../engine/store/lock-store.js';
import type { Candidacy } from './candidacy.js';
import type { QuorumNode } from './node.js';
import type { Answers } from './nodes.js';
import type { QuorumContext } from './votes.js';

type Commands = readonly RenewCommand[];
type Replies = readonly RenewReply[];

/** Renews leases at all nodes; a lease is what a majority holds. */
export class QuorumRenewer {
  constructor(
    private readonly context: QuorumContext,
    private readonly candidacies: ReadonlyMap<string, Candidacy>,
  ) {}

  async renew(commands: Commands): Promise<Replies> {
    const { nodes, fences } = this.context;
    const sentAt = nodes.clock.now();
    for (const { ttl } of commands) nodes.sawLease(ttl);
    const floor = commands.some((one) => one.fences > 0) ? fences.floor : undefined;
    const asked = new Map(nodes.all.map((node) => [node, this.#renewAt(node, commands, floor)]));
    const answers = await nodes.ask(
      nodes.all,
      (node) => asked.get(node) as Promise<Replies>,
      // The coordinator, whichever it is, knows who waits.
      (some) => (commands.every((_, i) => this.#isHeld(some, i) !== undefined) ? 'soon' : 'wait'),
    );
    const replies = await Promise.all(
      commands.map((command, i) => this.#combine(command, answers, i, sentAt)),
    );
    for (const [node, answer] of asked)
      answer.then((its) => this.#takeBack(node, commands, its, replies)).catch(() => undefined);
    return replies;
  }

  async #renewAt(node: QuorumNode, commands: Commands, floor?: number): Promise<Replies> {
    const candidacies = commands.map(({ token }) => this.candidacies.get(token));
    const isSettled = candidacies.map((candidacy) => candidacy?.isSettledAt(node));
    const replies = await node.call('', async (store) => {
      const its = await store.renew(commands, floor);
      const [first] = its;
      // A node that answered nothing has failed, as with every other command.
      if (first?.kind === 'unknown' && its.every(({ kind }) => kind === 'unknown'))
        throw first.error;
      return its;
    });
    return replies.map((reply, i): RenewReply => {
      const candidacy = candidacies[i];
      if (candidacy === undefined || (isSettled[i] && candidacy.isSettledAt(node))) return reply;
      const error = new Error('A release may still take the vote.');
      return { kind: 'unknown', sentAt: reply.sentAt, error };
    });
  }

  /**
   * Asks a node that has lost the lock for its vote again, as long as a majority confirms the lease, so that nobody
   * else had it: or servers that restart in turn would take it away vote by vote. Counts from the next renewal.
   */
  #takeBack(node: QuorumNode, commands: Commands, atNode: Replies, replies: Replies): void {
    for (const [i, { key, token, ttl, until }] of commands.entries()) {
      const candidacy = this.candidacies.get(token);
      if (atNode[i]?.kind !== 'lost' || replies[i]?.kind !== 'held') continue;
      if (candidacy?.held !== true || !candidacy.isSettledAt(node)) continue;
      const command = { key, token, ttl, until, fences: 1 };
      // Another one may have the node by now; an answer that fails is owed a release, with the rest.
      candidacy.ask(node, command, candidacy.fence).catch(() => undefined);
    }
  }

  async #combine(
    { key, token, fences: wanted }: RenewCommand,
    answers: Answers<Replies>,
    i: number,
    sentAt: number,
  ): Promise<RenewReply> {
    const { coordinators, fences, nodes } = this.context;
    const isHeld = this.#isHeld(answers, i);
    if (isHeld === false) return { kind: 'lost', sentAt };
    if (isHeld === undefined)
      return { kind: 'unknown', sentAt, error: nodes.unavailable(key, answers) };
    const votes = answers.flatMap(({ node, reply }) => {
      const one = reply?.[i];
      return one?.kind === 'held' ? [{ node, reply: one }] : [];
    });
    const block = wanted > 0 ? await fences.agree(nodes, { key, token }, votes) : undefined;
    const candidacy = this.candidacies.get(token);
    if (candidacy !== undefined && block !== undefined) candidacy.fence = block.last;
    const queue = Math.max(...votes.map(({ reply }) => reply.queue));
    if (queue > 0) coordinators.sawQueue(key);
    const first = Math.min(...votes.map(({ reply }) => reply.sentAt));
    return { kind: 'held', sentAt: first, fences: block ?? { next: 0, last: -1 }, queue };
  }

  /** `undefined`: not known. */
  #isHeld(answers: Answers<Replies>, i: number): boolean | undefined {
    const its = answers.map(({ reply }) => reply?.[i]?.kind);
    const count = (kind: string) => its.filter((one) => one === kind).length;
    return this.context.nodes.agreed(count('held'), count('lost'));
  }
}
