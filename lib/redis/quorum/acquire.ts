import type { AcquireCommand, AcquireReply } from '../../engine/store/lock-store.js';
import type { Candidacy } from './candidacy.js';
import type { NodeAnswer, Verdict } from './gather.js';
import type { QuorumNode } from './node.js';
import { type HeldReply, lockFromVotes, type QuorumContext, type Vote, votesIn } from './votes.js';

type Answers = readonly NodeAnswer<QuorumNode, AcquireReply>[];

/** How soon to look whether the holder of the coordinator is one of the majority, in milliseconds. */
const LOOK_MS = 100;
/** How long a coordinator that refused is skipped, in milliseconds. */
const REFUSED_MS = 1000;

/** One attempt to get a lock from a majority of the nodes, or a place in the coordinator's queue. */
export class QuorumAcquirer {
  constructor(private readonly context: QuorumContext) {}

  /** All nodes at once: one round trip when the lock is free. Only the coordinator queues. */
  async askAll(candidacy: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    const { nodes, fences } = this.context;
    const { coordinator } = candidacy;
    const { floor } = fences;
    const vote = { ...command, queue: undefined, yields: undefined };
    const answers = await nodes.ask(
      nodes.all,
      (node) => candidacy.ask(node, node === coordinator ? command : vote, floor),
      (some) => this.#judge(candidacy, some),
    );
    nodes.check(candidacy.key);
    const votes = votesIn(this.context, answers);
    const place = answers.find(({ node }) => node === coordinator)?.reply;
    if (votes.length < nodes.majority) return this.#settle(candidacy, command, answers);
    if (place?.kind !== 'queued' && place?.kind !== 'busy')
      return lockFromVotes(this.context, candidacy, votes);
    // Just granted to the first in the queue, or just being given back: then it is not our turn.
    const pollIn = await this.context.coordinators.doubt(candidacy, place.leaseLeft);
    if (pollIn === 0) return this.#passOver(candidacy, votes);
    const reply = await this.#settle(candidacy, command, answers);
    return reply.kind === 'queued' && pollIn !== undefined ? { ...reply, pollIn } : reply;
  }

  /** The coordinator alone, where others wait: whoever is not first does not disturb the one that is. */
  async askInTurn(candidacy: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    return this.goOn(candidacy, command, await this.askCoordinator(candidacy, command));
  }

  /** Asks the coordinator; one that fails is left alone for a while. */
  async askCoordinator(candidacy: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    const { coordinators } = this.context;
    const { coordinator, key } = candidacy;
    const reply = await candidacy.ask(coordinator, command).catch((error: unknown) => {
      coordinators.skip(key, coordinator, REFUSED_MS);
      throw error;
    });
    if (reply.kind === 'queued') coordinators.sawQueue(key);
    return reply;
  }

  /** Asks the rest of the nodes when the coordinator has given its vote. */
  async goOn(
    candidacy: Candidacy,
    command: AcquireCommand,
    reply: AcquireReply,
  ): Promise<AcquireReply> {
    return reply.kind === 'held' ? this.askRest(candidacy, command, reply) : reply;
  }

  /** The coordinator's own vote is there: asks the others, with the lease and the numbers it gave. */
  async askRest(
    candidacy: Candidacy,
    { key, token, until }: Pick<AcquireCommand, 'key' | 'token' | 'until'>,
    granted: HeldReply,
  ): Promise<AcquireReply> {
    const { nodes } = this.context;
    const { lease: ttl, fences: block } = granted;
    const vote = { key, token, ttl, until, fences: block.last - block.next + 1 };
    const own = { node: candidacy.coordinator, reply: granted };
    const rest = nodes.except(candidacy.coordinator);
    const others = await nodes.ask(
      rest,
      (node) => candidacy.ask(node, vote, block.last),
      (some) => this.#judge(candidacy, [own, ...some]),
      nodes.majority - 1,
    );
    nodes.check(key);
    const answers = [own, ...others];
    const votes = votesIn(this.context, answers);
    if (votes.length >= nodes.majority) return lockFromVotes(this.context, candidacy, votes);
    candidacy.giveBack(rest);
    return this.#partial(candidacy, answers);
  }

  #judge({ coordinator }: Candidacy, answers: Answers): Verdict {
    const { nodes } = this.context;
    // A server that has restarted counts once it is heard whether another one still has a lease.
    const sure = votesIn(this.context, answers, true).length;
    const votes = votesIn(this.context, answers).length;
    const open = nodes.all.length - answers.length;
    const certain = sure >= nodes.majority || votes + open < nodes.majority;
    const place = answers.find(({ node }) => node === coordinator)?.reply;
    if (place?.kind === 'queued') return 'soon';
    if (!certain) return 'wait';
    return place === undefined ? 'soon' : 'done';
  }

  /** No majority: waits in the coordinator's queue, keeps a turn that has come, or is refused. */
  async #settle(
    candidacy: Candidacy,
    command: AcquireCommand,
    answers: Answers,
  ): Promise<AcquireReply> {
    const { nodes, coordinators } = this.context;
    const { coordinator, key } = candidacy;
    const place = answers.find(({ node }) => node === coordinator)?.reply;
    if (place?.kind === 'queued') {
      coordinators.sawQueue(key);
      candidacy.giveBack(nodes.except(coordinator));
      return { ...place, pollIn: Math.min(place.leaseLeft, LOOK_MS) };
    }
    if (answers.filter(({ reply }) => reply !== undefined).length < nodes.majority)
      throw nodes.unavailable(key, answers);
    if (place !== undefined && place.kind !== 'held') return place;
    if (place === undefined) return this.#coordinateAnew(candidacy, command, answers);
    candidacy.giveBack(nodes.except(coordinator));
    return this.#partial(candidacy, answers);
  }

  /** The coordinator did not answer; the next in order that did takes its place. */
  async #coordinateAnew(
    candidacy: Candidacy,
    command: AcquireCommand,
    answers: Answers,
  ): Promise<AcquireReply> {
    const { nodes, coordinators } = this.context;
    const answered = answers.filter(({ reply }) => reply !== undefined).map(({ node }) => node);
    const node = coordinators.coordinatorOf(candidacy.key, answered);
    candidacy.coordinator = node;
    const answer = answers.find((one) => one.node === node)?.reply as AcquireReply;
    if (answer.kind === 'busy' && command.queue === undefined) return answer;
    candidacy.giveBack(nodes.except(node));
    return answer.kind === 'held'
      ? this.#partial(candidacy, answers)
      : this.askInTurn(candidacy, { ...command, yields: undefined });
  }

  /**
   * Its turn has come, but others have the rest.
   *
   * @throws {LockUnavailableError} Too few nodes answered to tell that, or nobody else has them: the
   *   votes are there, and don't count yet.
   */
  #partial(candidacy: Candidacy, answers: Answers): AcquireReply {
    const { nodes } = this.context;
    const answered = answers.filter(({ reply }) => reply !== undefined);
    const given = answered.filter(({ reply }) => reply?.kind === 'held');
    if (answered.length < nodes.majority || given.length >= nodes.majority)
      throw nodes.unavailable(candidacy.key, answers);
    let leaseLeft = 0;
    for (const { reply } of answered) {
      if (reply?.kind === 'busy') leaseLeft = Math.max(leaseLeft, reply.leaseLeft);
    }
    return { kind: 'partial', sentAt: nodes.clock.now(), leaseLeft };
  }

  /** What holds the coordinator holds no majority: the next in order takes its place. */
  #passOver(candidacy: Candidacy, votes: readonly Vote<HeldReply>[]): Promise<AcquireReply> {
    candidacy.giveBack([candidacy.coordinator]);
    candidacy.coordinator = this.context.coordinators.coordinatorOf(candidacy.key);
    return lockFromVotes(this.context, candidacy, votes);
  }
}
