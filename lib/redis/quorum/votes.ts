import { DRIFT, entryLease } from '../../engine/store/lease.js';
import type { AcquireReply, Grant } from '../../engine/store/lock-store.js';
import { claimOf } from '../../engine/store/token.js';
import { validityOf } from './arithmetic.js';
import type { Candidacy } from './candidacy.js';
import type { Coordinators } from './coordinators.js';
import type { Fences, Vote } from './fences.js';
import type { Answers, QuorumNodes } from './nodes.js';

/** What all parts of a quorum store share. */
export interface QuorumContext {
  readonly nodes: QuorumNodes;
  readonly fences: Fences;
  readonly coordinators: Coordinators;
}

/** The lock as one node gave it. */
export type HeldReply = Extract<AcquireReply, { kind: 'held' }>;

/** What a node pushed, as if it were asked `now`; `undefined`: too little of the claim is left. */
export function heldBy(grant: Grant | undefined, ttl: number, now: number): HeldReply | undefined {
  if (grant?.expiresAt === undefined) return undefined;
  const left = grant.expiresAt - now;
  if (left < entryLease(claimOf(ttl))) return undefined;
  const { fences, queue } = grant;
  return { kind: 'held', sentAt: now, lease: left / DRIFT, fences, queue };
}

/**
 * The votes among the answers: not older than their own leases, and of nodes that can't have forgotten a lease of
 * somebody else. A key that never expires is no lease of ours.
 *
 * @param isHeldElsewhere Whether to take it that a node has somebody else's lease; known from the answers.
 */
export function votesIn(
  { nodes }: QuorumContext,
  answers: Answers<AcquireReply>,
  isHeldElsewhere = answers.some(
    ({ reply }) => reply && 'leaseLeft' in reply && reply.leaseLeft !== Infinity,
  ),
): Vote<HeldReply>[] {
  const now = nodes.clock.now();
  return answers.flatMap(({ node, reply }) => {
    const isValid = reply?.kind === 'held' && validityOf(reply.lease, now - reply.sentAt) > 0;
    return isValid && nodes.mayVote(node, isHeldElsewhere) ? [{ node, reply }] : [];
  });
}

/** Makes a majority's votes a lock; its lease is the shortest, counted from the first command sent. */
export async function lockFromVotes(
  { nodes, fences, coordinators }: QuorumContext,
  candidacy: Candidacy,
  votes: readonly Vote<HeldReply>[],
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
