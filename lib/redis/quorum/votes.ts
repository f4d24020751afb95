import { DRIFT, entryLease } from '../../engine/store/lease.js';
import type { AcquireReply, FenceBlock, Grant } from '../../engine/store/lock-store.js';
import { claimOf } from '../../engine/store/token.js';
import { highestBlock, validityOf } from './arithmetic.js';
import type { Candidacy } from './candidacy.js';
import type { Coordinators } from './coordinators.js';
import type { FenceClock } from './fences.js';
import type { NodeAnswer } from './gather.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';

/** What all parts of a quorum store share. */
export interface QuorumContext {
  readonly group: QuorumNodes;
  readonly fences: FenceClock;
  readonly coordinators: Coordinators;
}

/** The lock as one node gave it. */
export type HeldReply = Extract<AcquireReply, { kind: 'held' }>;

/** A node's vote for a token. */
export interface Vote<T extends { readonly fences: FenceBlock; readonly sentAt: number }> {
  readonly node: QuorumNode;
  readonly reply: T;
}

/** What a node pushed, as if it were asked now; `undefined`: too little of the claim is left. */
export function heldBy(grant: Grant | undefined, ttl: number): HeldReply | undefined {
  if (grant?.expiresAt === undefined) return undefined;
  const sentAt = performance.now();
  const left = grant.expiresAt - sentAt;
  if (left < entryLease(claimOf(ttl))) return undefined;
  const { fences, queue } = grant;
  return { kind: 'held', sentAt, lease: left / DRIFT, fences, queue };
}

/** The votes among the answers: of nodes that may vote, and not older than their own leases. */
export function votesIn(
  { group }: QuorumContext,
  ttl: number,
  heard: readonly NodeAnswer<QuorumNode, AcquireReply>[],
): Vote<HeldReply>[] {
  const votes: Vote<HeldReply>[] = [];
  const now = performance.now();
  for (const { node, reply } of heard) {
    if (reply?.kind !== 'held' || validityOf(reply.lease, now - reply.sentAt) <= 0) continue;
    if (group.mayVote(node, ttl)) votes.push({ node, reply });
  }
  return votes;
}

/**
 * The fencing numbers of the holder that a majority voted for: the highest that were granted.
 * They are written back first unless a majority knows them: whoever comes next gets the vote of
 * one of these nodes, and with it a larger number. `undefined`: too few could be told.
 */
export async function agreeOnFences(
  { group, fences }: QuorumContext,
  claim: { readonly key: string; readonly token: string },
  votes: readonly Vote<{ readonly fences: FenceBlock; readonly sentAt: number }>[],
): Promise<FenceBlock | undefined> {
  for (const { reply } of votes) fences.observe(reply.fences, reply.sentAt);
  const block = highestBlock(votes.map(({ reply }) => reply.fences));
  const behind = votes.filter(({ reply }) => reply.fences.last < block.last);
  const missing = group.majority - (votes.length - behind.length);
  if (missing <= 0) return block;
  const raised = (heard: readonly NodeAnswer<QuorumNode, boolean>[]): number =>
    heard.filter(({ reply }) => reply === true).length;
  const heard = await group.ask(
    behind.map(({ node }) => node),
    (node) => node.raise(claim.key, claim.token, block.last),
    (answers) => (raised(answers) >= missing ? 'done' : 'wait'),
    Infinity,
  );
  return raised(heard) >= missing ? block : undefined;
}

/** Makes a majority's votes a lock; its lease is the shortest, counted from the first command sent. */
export async function lockFromVotes(
  context: QuorumContext,
  claim: Candidacy,
  votes: readonly Vote<HeldReply>[],
): Promise<AcquireReply> {
  const block = await agreeOnFences(context, claim, votes);
  if (block === undefined) {
    throw context.group.unavailable(
      claim.key,
      votes.map(({ node }) => ({ node, reply: undefined })),
    );
  }
  const sentAt = Math.min(...votes.map(({ reply }) => reply.sentAt));
  const lease = Math.min(...votes.map(({ reply }) => reply.lease));
  const queue = votes.find(({ node }) => node === claim.coordinator)?.reply.queue ?? 0;
  claim.held = true;
  if (queue > 0) context.coordinators.sawQueue(claim.key);
  return { kind: 'held', sentAt, lease, fences: block, queue };
}
