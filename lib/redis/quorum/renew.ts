import type { FenceBlock, RenewCommand, RenewReply } from '../../engine/store/lock-store.js';
import type { Candidacies } from './candidacies.js';
import type { NodeAnswer, Verdict } from './gather.js';
import type { QuorumNode } from './node.js';
import type { QuorumContext, Vote } from './votes.js';

type Answers = readonly NodeAnswer<QuorumNode, readonly RenewReply[]>[];
type Renewed = Extract<RenewReply, { kind: 'held' }>;

const UNSETTLED = 'A release of the same token may still take the vote.';
const NO_FENCES: FenceBlock = { next: 0, last: -1 };

/** Renews leases at all nodes; a lease is what a majority holds. */
export class QuorumRenewer {
  constructor(
    private readonly context: QuorumContext,
    private readonly candidacies: Candidacies,
  ) {}

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const { nodes, fences } = this.context;
    const sentAt = nodes.clock.now();
    for (const { ttl } of commands) nodes.sawLease(ttl);
    const floor = commands.some((one) => one.fences > 0) ? fences.floor : undefined;
    const asked = nodes.send(nodes.all, (node) => this.#renewAt(node, commands, floor));
    const answers = await nodes.gather(asked, (some) => this.#judge(commands.length, some));
    const replies = await Promise.all(
      commands.map((command, i) => this.#combine(command, answers, i, sentAt)),
    );
    for (const { node, answer } of asked)
      answer.then(
        (its) => this.#takeBack(node, commands, its, replies),
        () => undefined,
      );
    return replies;
  }

  async #renewAt(
    node: QuorumNode,
    commands: readonly RenewCommand[],
    floor: number | undefined,
  ): Promise<readonly RenewReply[]> {
    const candidacies = commands.map(({ token }) => this.candidacies.get(token));
    const isSettled = candidacies.map((candidacy) => candidacy?.isSettledAt(node));
    const replies = await node.call('', (store) => known(store.renew(commands, floor)));
    return replies.map((reply, i): RenewReply => {
      const candidacy = candidacies[i];
      if (candidacy === undefined || (isSettled[i] && candidacy.isSettledAt(node))) return reply;
      return { kind: 'unknown', sentAt: reply.sentAt, error: new Error(UNSETTLED) };
    });
  }

  /**
   * Asks a node that has lost the lock for its vote again, as long as a majority confirms the lease: or
   * servers that restart one after another would take it away vote by vote. Nobody else can have had
   * the lock meanwhile, so that it matters nothing what the node has forgotten. It counts from the next renewal.
   */
  #takeBack(
    node: QuorumNode,
    commands: readonly RenewCommand[],
    atNode: readonly RenewReply[],
    replies: readonly RenewReply[],
  ): void {
    for (const [i, { key, token, ttl, until }] of commands.entries()) {
      const candidacy = this.candidacies.get(token);
      if (atNode[i]?.kind !== 'lost' || replies[i]?.kind !== 'held') continue;
      if (candidacy?.held !== true || !candidacy.isSettledAt(node)) continue;
      const command = { key, token, ttl, until, fences: 1 };
      // Another one may have the node by now; an answer that fails is owed a release, with the rest.
      candidacy.ask(node, command, candidacy.fence).catch(() => undefined);
    }
  }

  #judge(count: number, answers: Answers): Verdict {
    for (let i = 0; i < count; i += 1) {
      if (!this.#isHeld(answers, i) && !this.#isLost(answers, i)) return 'wait';
    }
    // The coordinator, whichever it is, knows who waits.
    return 'soon';
  }

  async #combine(
    command: RenewCommand,
    answers: Answers,
    i: number,
    sentAt: number,
  ): Promise<RenewReply> {
    const { coordinators, fences, nodes } = this.context;
    if (this.#isLost(answers, i)) return { kind: 'lost', sentAt };
    if (!this.#isHeld(answers, i))
      return { kind: 'unknown', sentAt, error: nodes.unavailable(command.key, answers) };
    const votes: Vote<Renewed>[] = [];
    for (const { node, reply } of answers) {
      const one = reply?.[i];
      if (one?.kind === 'held') votes.push({ node, reply: one });
    }
    const asked = command.fences > 0;
    const block = asked ? await fences.agree(nodes, command, votes) : undefined;
    const candidacy = this.candidacies.get(command.token);
    if (candidacy !== undefined && block !== undefined) candidacy.fence = block.last;
    const queue = Math.max(...votes.map(({ reply }) => reply.queue));
    if (queue > 0) coordinators.sawQueue(command.key);
    const first = Math.min(...votes.map(({ reply }) => reply.sentAt));
    return { kind: 'held', sentAt: first, fences: block ?? NO_FENCES, queue };
  }

  #isHeld(answers: Answers, i: number): boolean {
    return count(answers, i, 'held') >= this.context.nodes.majority;
  }

  #isLost(answers: Answers, i: number): boolean {
    const { all, majority } = this.context.nodes;
    return count(answers, i, 'lost') > all.length - majority;
  }
}

function count(answers: Answers, i: number, kind: RenewReply['kind']): number {
  return answers.filter(({ reply }) => reply?.[i]?.kind === kind).length;
}

/** A node that answered nothing has failed, as with every other command. */
async function known(renewal: Promise<readonly RenewReply[]>): Promise<readonly RenewReply[]> {
  const replies = await renewal;
  const [first] = replies;
  if (first?.kind === 'unknown' && replies.every(({ kind }) => kind === 'unknown'))
    throw first.error;
  return replies;
}
