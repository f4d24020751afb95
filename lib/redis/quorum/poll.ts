import { LockConfigError } from '../../engine/api/errors.js';
import type { PollCommand, PollReply, QueuePlace } from '../../engine/store/lock-store.js';
import { isToken } from '../../engine/store/token.js';
import type { QuorumAcquirer } from './acquire.js';
import type { Candidacy } from './candidacy.js';
import type { NodeAnswer } from './gather.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';
import { heldBy, type QuorumContext } from './votes.js';

/** What holds the lock, by node. */
type Views = readonly NodeAnswer<QuorumNode, string | undefined>[];

/** A waiter's sign of life at its coordinator, and its way from there to the lock. */
export class QuorumPoller {
  constructor(
    private readonly context: QuorumContext,
    private readonly acquirer: QuorumAcquirer,
  ) {}

  async poll(claim: Candidacy, command: PollCommand): Promise<PollReply> {
    const { turn, ttl } = claim;
    // Its push saves asking the coordinator, once.
    claim.turn = undefined;
    const reply = heldBy(turn, ttl) ?? (await this.#pollCoordinator(claim, command));
    if (reply.kind === 'queued') {
      // The push has overtaken the answer.
      if (claim.turn !== undefined) return this.poll(claim, command);
      return this.#lookAgain(claim, reply);
    }
    if (reply.kind !== 'held') return reply;
    return (await this.acquirer.askRest(claim, command, reply)) as PollReply;
  }

  async #pollCoordinator(claim: Candidacy, command: PollCommand): Promise<PollReply> {
    const { group } = this.context;
    const node = claim.coordinator;
    try {
      return await claim.send(node, (store) => store.poll(command));
    } catch (error) {
      const others = group.nodes.filter((other) => other !== node && other.isAwaited);
      if (error instanceof LockConfigError || others.length < group.majority) throw error;
      // The queue moves to another node; the ticket keeps the place.
      return { kind: 'gone', sentAt: performance.now() };
    }
  }

  /**
   * Still queued. The queue is left when another node coordinates by now, or when the holder is of
   * this node alone: a foreign value, which never queued here, or a leftover.
   */
  async #lookAgain(
    claim: Candidacy,
    place: QueuePlace & { readonly kind: 'queued'; readonly sentAt: number },
  ): Promise<PollReply> {
    const { coordinators } = this.context;
    const node = claim.coordinator;
    const holder = await this.#holderOfOne(claim.key, node);
    const isForeign = holder !== undefined && !isToken(holder);
    const pollIn = holder === undefined ? undefined : claim.doubt(holder);
    if (isForeign || (pollIn !== undefined && pollIn <= 0))
      coordinators.skip(claim.key, node, place.leaseLeft);
    if (coordinators.coordinatorOf(claim.key, claim.ttl) !== node)
      return { kind: 'gone', sentAt: place.sentAt };
    return { ...place, pollIn };
  }

  /** What holds the lock at `node` and can't hold a majority; `undefined`: nothing of the kind. */
  async #holderOfOne(key: string, node: QuorumNode): Promise<string | undefined> {
    const { group } = this.context;
    const heard: Views = await group.ask(
      group.nodes,
      (one) => one.call(key, async (store) => (await store.inspect(key))?.token),
      (views) => (standingOf(group, node, views) === 'open' ? 'wait' : 'done'),
    );
    if (standingOf(group, node, heard) !== 'alone') return undefined;
    return heard.find((view) => view.node === node)?.reply;
  }
}

/** Whether what holds `node` holds a majority; `open`: that depends on who has not answered. */
function standingOf(
  { nodes, majority }: QuorumNodes,
  node: QuorumNode,
  views: Views,
): 'alone' | 'of-many' | 'free' | 'open' {
  const own = views.find((view) => view.node === node);
  if (own === undefined) return 'open';
  const holder = own.reply;
  if (holder === undefined) return 'free';
  const count = (matches: (view: Views[number]) => boolean) => views.filter(matches).length;
  const others = count(({ reply, error }) => error === undefined && reply !== holder);
  if (nodes.length - others < majority) return 'alone';
  return count(({ reply }) => reply === holder) >= majority ? 'of-many' : 'open';
}
