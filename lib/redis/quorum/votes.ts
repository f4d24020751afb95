import { claimTerms } from '../../engine/store/lease-terms.js';
import { DRIFT } from '../../engine/store/lease.js';
import type { AcquireReply, Grant } from '../../engine/store/lock-store.js';
import { claimOf } from '../../engine/store/token.js';
import { validityOf } from './arithmetic.js';
import type { Candidacy } from './candidacy.js';
import type { Coordinators } from './coordinators.js';
import type { Fences } from './fences.js';
import type { Answers, QuorumNodes } from './nodes.js';

/** What all parts of a quorum store share. */
export interface QuorumContext {
  readonly nodes: QuorumNodes;
  readonly fences: Fences;
  readonly coordinators: Coordinators;
}

type HeldReply = Extract<AcquireReply, { kind: 'held' }>;

/** What a node pushed, as if it were asked `now`; `undefined`: too little of the claim is left. */
export function heldBy(grant: Grant | undefined, ttl: number, now: number): HeldReply | undefined {
  const terms = grant && claimTerms(grant, claimOf(ttl), now);
  return terms && { kind: 'held', ...terms, lease: (terms.deadline - now) / DRIFT };
}

/**
 * The votes among the answers: not older than their own leases, and of nodes that can't have forgotten somebody
 * else's lease, whether or not it is known yet that it is `held`. A key that never expires is no lease of ours.
 */
export function votesIn({ nodes }: QuorumContext, answers: Answers<AcquireReply>, held?: boolean) {
  const now = nodes.clock.now();
  const holding = answers.flatMap(({ node, reply: r }) =>
    r && 'leaseLeft' in r && r.leaseLeft < Infinity ? node : [],
  );
  return answers.flatMap(({ node, reply }) => {
    const isValid = reply?.kind === 'held' && validityOf(reply.lease, now - reply.sentAt) > 0;
    return isValid && nodes.mayVote(node, holding, held) ? [{ node, reply }] : [];
  });
}

/** Makes a majority's votes a lock; its lease is the shortest, counted from the first command sent. */
export async function lockFromVotes(
  { nodes, fences, coordinators }: QuorumContext,
  candidacy: Candidacy,
  votes: ReturnType<typeof votesIn>,
): Promise<AcquireReply> {
  const block = await fences.agree(nodes, candidacy, votes);
  if (block === undefined) throw nodes.unavailable(candidacy.key, votes);
  const sentAt = Math.min(...votes.map(({ reply }) => reply.sentAt));
  const lease = Math.min(...votes.map(({ reply }) => reply.lease));
  const queue = votes.find(({ node }) => node === candidacy.coordinator)?.reply.queue ?? 0;
  candidacy.held = true;
  candidacy.fence = block.last;
  if (queue > 0) coordinators.sawQueue(candidacy.key);
  return { kind: 'held', sentAt, lease, fences: block, queue };
}
