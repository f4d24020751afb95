import { LockConfigError } from '../../engine/api/errors.js';
import type { PollCommand, PollReply, QueuePlace } from '../../engine/store/lock-store.js';
import type { QuorumAcquirer } from './acquire.js';
import type { Candidacy } from './candidacy.js';
import { heldBy, type QuorumContext } from './votes.js';

/** A waiter's sign of life at its coordinator, and its way from there to the lock. */
export class QuorumPoller {
  constructor(
    private readonly context: QuorumContext,
    private readonly acquirer: QuorumAcquirer,
  ) {}

  async poll(candidacy: Candidacy, command: PollCommand): Promise<PollReply> {
    const { turn, ttl } = candidacy;
    // Its push saves asking the coordinator, once.
    candidacy.turn = undefined;
    const granted = heldBy(turn, ttl, this.context.nodes.clock.now());
    const reply = granted ?? (await this.#pollCoordinator(candidacy, command));
    if (reply.kind === 'queued') {
      // The push has overtaken the answer.
      if (candidacy.turn !== undefined) return this.poll(candidacy, command);
      return this.#lookAgain(candidacy, reply);
    }
    if (reply.kind !== 'held') return reply;
    return (await this.acquirer.askRest(candidacy, command, reply)) as PollReply;
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

  /**
   * Still queued. The queue is left when another node coordinates by now, be it because what holds this
   * one holds no majority.
   */
  async #lookAgain(
    candidacy: Candidacy,
    place: QueuePlace & { readonly kind: 'queued'; readonly sentAt: number },
  ): Promise<PollReply> {
    const { coordinators, nodes } = this.context;
    nodes.sawLease(place.leaseLeft);
    const pollIn = await coordinators.doubt(candidacy, place.leaseLeft);
    if (coordinators.coordinatorOf(candidacy.key) !== candidacy.coordinator)
      return { kind: 'gone', sentAt: place.sentAt };
    return { ...place, pollIn };
  }
}
