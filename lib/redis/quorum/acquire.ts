import { LockConfigError } from '../../engine/api/errors.js';
import type {
  AcquireCommand,
  AcquireReply,
  PollCommand,
  PollReply,
} from '../../engine/store/lock-store.js';
import type { Candidacy } from './candidacy.js';
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
    const { nodes } = this.context;
    next.coordinator = old.coordinator;
    old.held = false;
    old.mayHaveYielded = true;
    const enough = nodes.majority - 1;
    const rest = nodes.ask(
      nodes.except(old.coordinator),
      (node) => old.release(node),
      ({ length }) => (length >= enough ? 'done' : 'wait'),
      enough,
    );
    const reply = await this.#askCoordinator(next, command);
    const turn = await this.#goOn(next, command, reply);
    const others = (await rest).filter((answer) => answer.reply === 'not-held').length;
    const lost = others + (reply.yielded === false ? 1 : 0);
    return { ...turn, yielded: nodes.agreed(0, lost) !== false };
  }

  /** A waiter's sign of life at its coordinator, and its way from there to the lock. */
  async poll(candidacy: Candidacy, command: PollCommand): Promise<PollReply> {
    const { coordinators, nodes } = this.context;
    const pushed = heldBy(candidacy.turn, candidacy.ttl, nodes.clock.now());
    // Its push saves asking the coordinator, once.
    candidacy.turn = undefined;
    const reply =
      pushed ?? (await candidacy.poll(command).catch((error) => this.#leave(candidacy, error)));
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

  /** The coordinator failed: its queue moves to another node where that is possible; the ticket keeps the place. */
  #leave({ coordinator }: Candidacy, error: unknown): PollReply {
    const { nodes } = this.context;
    const others = nodes.except(coordinator).filter(({ isAwaited }) => isAwaited);
    if (error instanceof LockConfigError || others.length < nodes.majority) throw error;
    return { kind: 'gone', sentAt: nodes.clock.now() };
  }

  /** One that fails is left alone for a while. */
  #askCoordinator(candidacy: Candidacy, command: AcquireCommand): Promise<AcquireReply> {
    const { coordinators } = this.context;
    const { coordinator, key } = candidacy;
    return candidacy.ask(coordinator, command).catch((error: unknown) => {
      coordinators.refused(key, coordinator);
      throw error;
    });
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

  /** Asks the others for their votes, and counts them with `own`, which the coordinator answers. */
  async #count(
    candidacy: Candidacy,
    command: AcquireCommand,
    floor: number | undefined,
    own: Promise<AcquireReply>,
  ): Promise<AcquireReply> {
    const { nodes, coordinators } = this.context;
    const { key, token, ttl, until, fences } = command;
    const vote = { key, token, ttl, until, fences };
    const answers = await nodes.ask(
      nodes.all,
      (node) => (node === candidacy.coordinator ? own : candidacy.ask(node, vote, floor)),
      (some) => this.#judge(candidacy, some),
    );
    nodes.check(key);
    const votes = votesIn(this.context, answers);
    if (votes.length < nodes.majority) return this.#settle(candidacy, command, answers);
    const place = placeIn(candidacy, answers);
    if (place?.kind === 'queued' || place?.kind === 'busy') {
      // Just granted, or just being given back: not our turn. What holds no majority in two looks is passed over.
      const lookIn = await coordinators.doubt(candidacy, place.leaseLeft);
      if (lookIn !== 0) return this.#settle(candidacy, command, answers);
      candidacy.giveBack([candidacy.coordinator]);
      candidacy.coordinator = coordinators.coordinatorOf(candidacy.key);
    }
    return lockFromVotes(this.context, candidacy, votes);
  }

  #judge(candidacy: Candidacy, answers: Replies) {
    const place = placeIn(candidacy, answers);
    if (place?.kind === 'queued') return 'soon';
    // A server that has restarted counts once it is heard whether another one still has a lease.
    const sure = votesIn(this.context, answers, true).length;
    const missing = answers.length - votesIn(this.context, answers).length;
    if (this.context.nodes.agreed(sure, missing) === undefined) return 'wait';
    return place === undefined ? 'soon' : 'done';
  }

  /**
   * No majority: waits in the coordinator's queue, keeps a turn that has come, or is refused. Throws when too few
   * nodes answered to tell, or nobody else has the rest: then the votes are there, and don't count yet.
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
    const replies = answers.flatMap(({ reply }) => reply ?? []);
    const canElect = nodes.agreed(0, answers.length - replies.length) !== false && nodes.canElect;
    if (place?.kind === 'queued' && canElect)
      return { ...place, pollIn: Math.min(place.leaseLeft, LOOK_MS) };
    // Where nobody can get the lock those who ask for it are no reason to call it busy.
    if (replies.length < nodes.majority || !canElect) throw nodes.unavailable(key, answers);
    if (place === undefined) {
      // The coordinator did not answer: the next in order takes its place.
      candidacy.giveBack([coordinator]);
      coordinators.refused(key, coordinator);
      candidacy.coordinator = coordinators.coordinatorOf(key);
      return this.askInTurn(candidacy, { ...command, yields: undefined });
    }
    if (place.kind !== 'held') return place;
    const leases = replies.flatMap((reply) => (reply.kind === 'busy' ? reply.leaseLeft : []));
    if (leases.length === 0) throw nodes.unavailable(key, answers);
    const sentAt = replies.map((reply) => reply.sentAt);
    return { kind: 'partial', sentAt: Math.min(...sentAt), leaseLeft: Math.max(...leases) };
  }
}

/** What the coordinator has answered. */
function placeIn({ coordinator }: Candidacy, answers: Replies): AcquireReply | undefined {
  return answers.find(({ node }) => node === coordinator)?.reply;
}
