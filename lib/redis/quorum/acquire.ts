import type { AcquireCommand, AcquireReply } from '../../engine/store/lock-store.js';
import { isToken } from '../../engine/store/token.js';
import type { Candidacy } from './candidacy.js';
import type { NodeAnswer, Verdict } from './gather.js';
import type { QuorumNode } from './node.js';
import { type HeldReply, lockFromVotes, type QuorumContext, type Vote, votesIn } from './votes.js';

type Answers = readonly NodeAnswer<QuorumNode, AcquireReply>[];

/** How soon to look whether the holder of the coordinator is one of the majority, in milliseconds. */
const LOOK_MS = 100;
/** How long a coordinator that refused is passed over, in milliseconds. */
const REFUSED_MS = 1000;

/** One attempt to get a lock from a majority of the nodes, or a place in the coordinator's queue. */
export class QuorumAcquirer {
  constructor(private readonly context: QuorumContext) {}

  /** All nodes at once: one round trip when the lock is free. Only the coordinator queues. */
  async askAll(claim: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    const { group, fences } = this.context;
    const { coordinator, ttl } = claim;
    const floor = fences.at(performance.now());
    const vote = { ...command, queue: undefined, yields: undefined };
    const heard = await group.ask(
      group.nodes,
      (node) => claim.ask(node, node === coordinator ? command : vote, floor),
      (answers) => this.#judge(claim, answers),
    );
    group.check(claim.key);
    const votes = votesIn(this.context, ttl, heard);
    const place = heard.find(({ node }) => node === coordinator)?.reply;
    if (votes.length < group.majority) return this.#settle(claim, command, heard);
    if (place?.kind !== 'queued' && place?.kind !== 'busy')
      return lockFromVotes(this.context, claim, votes);
    const holder = await this.#holderOf(claim);
    if (holder !== undefined && !isToken(holder))
      return this.#passOver(claim, votes, place.leaseLeft);
    // Just granted to the first in the queue, or just being given back: it is not our turn.
    const reply = await this.#settle(claim, command, heard);
    if (reply.kind !== 'queued' || holder === undefined) return reply;
    return { ...reply, pollIn: claim.doubt(holder) };
  }

  /** The coordinator alone, where others wait: who is not first does not disturb the one who is. */
  async askInTurn(claim: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    return this.goOn(claim, command, await this.askCoordinator(claim, command));
  }

  async askCoordinator(claim: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    const node = claim.coordinator;
    const reply = await claim.ask(node, command).catch((error: unknown) => {
      this.context.coordinators.skip(claim.key, node, REFUSED_MS);
      throw error;
    });
    if (reply.kind === 'queued') this.context.coordinators.sawQueue(claim.key);
    return reply;
  }

  /** Asks the rest of the nodes when the coordinator has given its vote. */
  async goOn(
    claim: Candidacy,
    command: AcquireCommand,
    reply: AcquireReply,
  ): Promise<AcquireReply> {
    return reply.kind === 'held' ? this.askRest(claim, command, reply) : reply;
  }

  /** The coordinator's own vote is there: asks the others, with the lease and the numbers it gave. */
  async askRest(
    claim: Candidacy,
    { key, token, until }: Pick<AcquireCommand, 'key' | 'token' | 'until'>,
    granted: HeldReply,
  ): Promise<AcquireReply> {
    const { group } = this.context;
    const { lease: ttl, fences: block } = granted;
    const vote = { key, token, ttl, until, fences: block.last - block.next + 1 };
    const own = { node: claim.coordinator, reply: granted };
    const rest = this.#others(claim);
    const heard = await group.ask(
      rest,
      (node) => claim.ask(node, vote, block.last),
      (answers) => this.#judge(claim, [own, ...answers]),
      group.majority - 1,
    );
    group.check(key);
    const answers = [own, ...heard];
    const votes = votesIn(this.context, claim.ttl, answers);
    if (votes.length >= group.majority) return lockFromVotes(this.context, claim, votes);
    claim.giveBack(rest);
    return this.#partial(claim, answers);
  }

  #judge({ ttl, coordinator }: Candidacy, heard: Answers): Verdict {
    const { group } = this.context;
    const votes = votesIn(this.context, ttl, heard).length;
    const open = group.nodes.length - heard.length;
    const certain = votes >= group.majority || votes + open < group.majority;
    const place = heard.find(({ node }) => node === coordinator)?.reply;
    if (place?.kind === 'queued') return 'soon';
    if (!certain) return 'wait';
    return place === undefined ? 'soon' : 'done';
  }

  /** No majority: waits in the coordinator's queue, keeps a turn that has come, or is refused. */
  async #settle(claim: Candidacy, command: AcquireCommand, heard: Answers): Promise<AcquireReply> {
    const { group, coordinators } = this.context;
    const place = heard.find(({ node }) => node === claim.coordinator)?.reply;
    if (place?.kind === 'queued') {
      coordinators.sawQueue(claim.key);
      claim.giveBack(this.#others(claim));
      return { ...place, pollIn: Math.min(place.leaseLeft, LOOK_MS) };
    }
    if (heard.filter(({ reply }) => reply !== undefined).length < group.majority)
      throw group.unavailable(claim.key, heard);
    if (place !== undefined && place.kind !== 'held') return place;
    if (place === undefined) return this.#coordinateAnew(claim, command, heard);
    claim.giveBack(this.#others(claim));
    return this.#partial(claim, heard);
  }

  /** The coordinator did not answer; the next in order that did takes its place. */
  async #coordinateAnew(
    claim: Candidacy,
    command: AcquireCommand,
    heard: Answers,
  ): Promise<AcquireReply> {
    const answered = heard.filter(({ reply }) => reply !== undefined).map(({ node }) => node);
    const node = this.context.coordinators.coordinatorOf(claim.key, claim.ttl, answered);
    claim.coordinator = node;
    const answer = heard.find((one) => one.node === node)?.reply as AcquireReply;
    if (answer.kind === 'busy' && command.queue === undefined) return answer;
    claim.giveBack(this.#others(claim));
    return answer.kind === 'held'
      ? this.#partial(claim, heard)
      : this.askInTurn(claim, { ...command, yields: undefined });
  }

  /** @throws {LockUnavailableError} Too few nodes answered to tell that others have the lock. */
  #partial(claim: Candidacy, heard: Answers): AcquireReply {
    const { group } = this.context;
    if (heard.filter(({ reply }) => reply !== undefined).length < group.majority)
      throw group.unavailable(claim.key, heard);
    let leaseLeft = 0;
    for (const { reply } of heard)
      if (reply?.kind === 'busy') leaseLeft = Math.max(leaseLeft, reply.leaseLeft);
    return { kind: 'partial', leaseLeft, sentAt: performance.now() };
  }

  /** What holds the lock at the coordinator; `undefined`: not known, free, or a `minHold`. */
  async #holderOf(claim: Candidacy): Promise<string | undefined> {
    const look = claim.send(claim.coordinator, (store) => store.inspect(claim.key));
    return (await look.catch(() => undefined))?.token;
  }

  /** The coordinator is held by what is no token of ours and never queued there: it has no say. */
  #passOver(
    claim: Candidacy,
    votes: readonly Vote<HeldReply>[],
    leaseLeft: number,
  ): Promise<AcquireReply> {
    const { coordinators } = this.context;
    const node = claim.coordinator;
    coordinators.skip(claim.key, node, leaseLeft);
    claim.giveBack([node]);
    claim.coordinator = coordinators.coordinatorOf(claim.key, claim.ttl);
    return lockFromVotes(this.context, claim, votes);
  }

  #others(claim: Candidacy): readonly QuorumNode[] {
    return this.context.group.nodes.filter((node) => node !== claim.coordinator);
  }
}
