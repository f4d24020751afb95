import { LockConfigError } from '../../engine/api/errors.js';
import {
  type AcquireCommand,
  type AcquireReply,
  NotAppliedError,
  type PollCommand,
  type PollReply,
} from '../../engine/store/lock-store.js';
import type { Candidacy } from './candidacy.js';
import type { Verdict } from './gather.js';
import type { Answers } from './nodes.js';
import { heldBy, lockFromVotes, type QuorumContext, votesIn } from './votes.js';

type Replies = Answers<AcquireReply>;

/** How soon to look whether the holder of the coordinator is one of the majority, in milliseconds. */
const LOOK_MS = 100;

/**
 * A token's way to the lock: all nodes at once where nobody waits, else a turn in the coordinator's queue and then
 * the rest, so that whoever is not first does not disturb the one that is.
 */
export class QuorumAcquirer {
  constructor(private readonly context: QuorumContext) {}

  /** One round trip when the lock is free. Only the coordinator queues. */
  askAll(candidacy: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    const { floor } = this.context.fences;
    const own = candidacy.ask(candidacy.coordinator, command, floor);
    return this.#count(candidacy, command, floor, own);
  }

  /** The coordinator first, where others wait. */
  async askInTurn(candidacy: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    return this.#goOn(candidacy, command, await this.#askCoordinator(candidacy, command));
  }

  /**
   * Gives up the lock of `old`, and takes a place behind the others, at its coordinator in one step. The rest is
   * told before that: when the next holder hears of it, their votes are free.
   */
  async yield(next: Candidacy, command: AcquireCommand, old: Candidacy): Promise<AcquireReply> {
    const { coordinators, nodes } = this.context;
    coordinators.sawQueue(command.key);
    next.coordinator = old.coordinator;
    const enough = nodes.majority - 1;
    const rest = nodes.ask(
      nodes.except(old.coordinator),
      (node) => old.release(node),
      ({ length }) => (length >= enough ? 'done' : 'wait'),
      enough,
    );
    const reply = await this.#askCoordinator(next, command).catch((error: unknown) => {
      old.mayHaveYielded = !(error instanceof NotAppliedError);
      throw error;
    });
    const isLost = reply.yielded === false;
    old.mayHaveYielded = reply.kind !== 'stale' && !isLost;
    const turn = await this.#goOn(next, command, reply);
    const lost = (await rest).filter((answer) => answer.reply === 'not-held').length;
    return { ...turn, yielded: nodes.agreed(0, lost + (isLost ? 1 : 0)) !== false };
  }

  /** A waiter's sign of life at its coordinator, and its way from there to the lock. */
  async poll(candidacy: Candidacy, command: PollCommand): Promise<PollReply> {
    const { coordinators, nodes } = this.context;
    const pushed = heldBy(candidacy.turn, candidacy.ttl, nodes.clock.now());
    // Its push saves asking the coordinator, once.
    candidacy.turn = undefined;
    const reply = pushed ?? (await this.#pollCoordinator(candidacy, command));
    if (reply.kind === 'held') return (await this.#goOn(candidacy, command, reply)) as PollReply;
    if (reply.kind !== 'queued') return reply;
    // The push has overtaken the answer.
    if (candidacy.turn !== undefined) return this.poll(candidacy, command);
    nodes.sawLease(reply.leaseLeft);
    const pollIn = await coordinators.doubt(candidacy, reply.leaseLeft);
    // The queue is left when another node coordinates by now.
    const isElsewhere = coordinators.coordinatorOf(candidacy.key) !== candidacy.coordinator;
    return isElsewhere ? { kind: 'gone', sentAt: reply.sentAt } : { ...reply, pollIn };
  }

  async #pollCoordinator(candidacy: Candidacy, command: PollCommand): Promise<PollReply> {
    const { nodes } = this.context;
    try {
      return await candidacy.poll(command);
    } catch (error) {
      const others = nodes.except(candidacy.coordinator).filter(({ isAwaited }) => isAwaited);
      if (error instanceof LockConfigError || others.length < nodes.majority) throw error;
      // The queue moves to another node; the ticket keeps the place.
      return { kind: 'gone', sentAt: nodes.clock.now() };
    }
  }

  /** One that fails is left alone for a while. */
  async #askCoordinator(candidacy: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    const { coordinators } = this.context;
    const { coordinator, key } = candidacy;
    const reply = await candidacy.ask(coordinator, command).catch((error: unknown) => {
      coordinators.refused(key, coordinator);
      throw error;
    });
    if (reply.kind === 'queued') coordinators.sawQueue(key);
    return reply;
  }

  /** The coordinator has answered: once it gave its vote, asks the rest, with the lease and the numbers it gave. */
  async #goOn(
    candidacy: Candidacy,
    { until }: Pick<AcquireCommand, 'until'>,
    reply: AcquireReply,
  ): Promise<AcquireReply> {
    if (reply.kind !== 'held') return reply;
    const { key, token } = candidacy;
    const { next, last } = reply.fences;
    const command = { key, token, until, ttl: reply.lease, fences: last - next + 1 };
    return this.#count(candidacy, command, last, Promise.resolve(reply));
  }

  /**
   * Asks all but the coordinator for their votes, and counts.
   *
   * @param own What the coordinator answers.
   */
  async #count(
    candidacy: Candidacy,
    command: AcquireCommand,
    floor: number | undefined,
    own: Promise<AcquireReply>,
  ): Promise<AcquireReply> {
    const { nodes, coordinators } = this.context;
    const vote = { ...command, queue: undefined, yields: undefined };
    const answers = await nodes.ask(
      nodes.all,
      (node) => (node === candidacy.coordinator ? own : candidacy.ask(node, vote, floor)),
      (some) => this.#judge(candidacy, some),
    );
    nodes.check(candidacy.key);
    const votes = votesIn(this.context, answers);
    const place = placeIn(candidacy, answers);
    const isTaken = place?.kind === 'queued' || place?.kind === 'busy';
    if (votes.length >= nodes.majority && !isTaken)
      return lockFromVotes(this.context, candidacy, votes);
    // Just granted to the first in the queue, or just being given back: then it is not our turn. Or held by
    // what holds no majority: then the next attempt asks another coordinator.
    if (votes.length >= nodes.majority && isTaken)
      await coordinators.doubt(candidacy, place.leaseLeft);
    return this.#settle(candidacy, command, answers);
  }

  #judge(candidacy: Candidacy, answers: Replies): Verdict {
    const place = placeIn(candidacy, answers);
    if (place?.kind === 'queued') return 'soon';
    // A server that has restarted counts once it is heard whether another one still has a lease.
    const sure = votesIn(this.context, answers, true).length;
    const missing = answers.length - votesIn(this.context, answers).length;
    if (this.context.nodes.agreed(sure, missing) === undefined) return 'wait';
    return place === undefined ? 'soon' : 'done';
  }

  /**
   * No majority: waits in the coordinator's queue, keeps a turn that has come, or is refused.
   *
   * @throws {LockUnavailableError} Too few nodes answered to tell, or nobody else has the rest: the votes are
   * there, and don't count yet.
   */
  async #settle(
    candidacy: Candidacy,
    command: AcquireCommand,
    answers: Replies,
  ): Promise<AcquireReply> {
    const { nodes, coordinators } = this.context;
    const { key, coordinator } = candidacy;
    const place = placeIn(candidacy, answers);
    candidacy.giveBack(nodes.except(coordinator));
    if (place?.kind === 'queued') {
      coordinators.sawQueue(key);
      return { ...place, pollIn: Math.min(place.leaseLeft, LOOK_MS) };
    }
    const replies = answers.flatMap(({ reply }) => reply ?? []);
    if (replies.length < nodes.majority) throw nodes.unavailable(key, answers);
    if (place === undefined) {
      // The coordinator did not answer: the next in order takes its place.
      candidacy.giveBack([coordinator]);
      coordinators.refused(key, coordinator);
      candidacy.coordinator = coordinators.coordinatorOf(key);
      return this.askInTurn(candidacy, { ...command, yields: undefined });
    }
    if (place.kind !== 'held') return place;
    const others = replies.filter(({ kind }) => kind !== 'held');
    if (nodes.agreed(replies.length - others.length, 0)) throw nodes.unavailable(key, answers);
    const leases = others.map((reply) => (reply.kind === 'busy' ? reply.leaseLeft : 0));
    const sentAt = Math.min(...replies.map((reply) => reply.sentAt));
    return { kind: 'partial', sentAt, leaseLeft: Math.max(...leases) };
  }
}

/** What the coordinator has answered. */
function placeIn({ coordinator }: Candidacy, answers: Replies): AcquireReply | undefined {
  return answers.find(({ node }) => node === coordinator)?.reply;
}
