import type { FenceBlock, RenewCommand, RenewReply } from '../../engine/store/lock-store.js';
import type { Candidacies } from './candidacies.js';
import type { NodeAnswer, Verdict } from './gather.js';
import type { QuorumNode } from './node.js';
import { agreeOnFences, type QuorumContext, type Vote } from './votes.js';

type Answers = readonly NodeAnswer<QuorumNode, readonly RenewReply[]>[];
type Renewed = Extract<RenewReply, { kind: 'held' }>;

const UNSETTLED = 'A release of the same token may still take the vote.';
const NO_FENCES: FenceBlock = { next: 0, last: -1 };

/** Renews leases at all nodes; a lease is what a majority holds. */
export class QuorumRenewer {
  constructor(
    private readonly context: QuorumContext,
    private readonly claims: Candidacies,
  ) {}

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const { group, fences } = this.context;
    const sentAt = performance.now();
    const floor = commands.some((one) => one.fences > 0) ? fences.at(sentAt) : undefined;
    const heard = await group.ask(
      group.nodes,
      (node) => this.#renewAt(node, commands, floor),
      (answers) => this.#judge(commands.length, answers),
    );
    return Promise.all(commands.map((command, i) => this.#combine(command, heard, i, sentAt)));
  }

  async #renewAt(
    node: QuorumNode,
    commands: readonly RenewCommand[],
    floor: number | undefined,
  ): Promise<readonly RenewReply[]> {
    const claims = commands.map(({ token }) => this.claims.get(token));
    const isSettled = claims.map((claim) => claim?.isSettledAt(node));
    const replies = await node.call('', (store) => known(store.renew(commands, floor)));
    return replies.map((reply, i): RenewReply => {
      const claim = claims[i];
      if (claim === undefined || (isSettled[i] && claim.isSettledAt(node))) return reply;
      return { kind: 'unknown', sentAt: reply.sentAt, error: new Error(UNSETTLED) };
    });
  }

  #judge(count: number, heard: Answers): Verdict {
    for (let i = 0; i < count; i += 1) {
      if (!this.#isHeld(heard, i) && !this.#isLost(heard, i)) return 'wait';
    }
    // The coordinator, whichever it is, knows who waits.
    return 'soon';
  }

  async #combine(
    command: RenewCommand,
    heard: Answers,
    i: number,
    sentAt: number,
  ): Promise<RenewReply> {
    if (this.#isLost(heard, i)) return { kind: 'lost', sentAt };
    if (!this.#isHeld(heard, i)) {
      return { kind: 'unknown', sentAt, error: this.context.group.unavailable(command.key, heard) };
    }
    const votes: Vote<Renewed>[] = [];
    for (const { node, reply } of heard) {
      const one = reply?.[i];
      if (one?.kind === 'held') votes.push({ node, reply: one });
    }
    const asked = command.fences > 0;
    const fences = asked ? await agreeOnFences(this.context, command, votes) : NO_FENCES;
    const queue = Math.max(...votes.map(({ reply }) => reply.queue));
    if (queue > 0) this.context.coordinators.sawQueue(command.key);
    const first = Math.min(...votes.map(({ reply }) => reply.sentAt));
    return { kind: 'held', sentAt: first, fences: fences ?? NO_FENCES, queue };
  }

  #isHeld(heard: Answers, i: number): boolean {
    return this.#count(heard, i, 'held') >= this.context.group.majority;
  }

  #isLost(heard: Answers, i: number): boolean {
    const { nodes, majority } = this.context.group;
    return this.#count(heard, i, 'lost') > nodes.length - majority;
  }

  #count(heard: Answers, i: number, kind: RenewReply['kind']): number {
    return heard.filter(({ reply }) => reply?.[i]?.kind === kind).length;
  }
}

/** A node that answered nothing has failed, as with every other command. */
async function known(renewal: Promise<readonly RenewReply[]>): Promise<readonly RenewReply[]> {
  const replies = await renewal;
  const [first] = replies;
  if (first?.kind === 'unknown' && replies.every(({ kind }) => kind === 'unknown'))
    throw first.error;
  return replies;
}
