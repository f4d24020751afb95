import type { ReleaseReply } from '../engine/lock-store.js';
import type { Heard, Verdict } from './gather.js';
import type { QuorumClaim } from './quorum-claim.js';
import type { QuorumNode } from './quorum-node.js';
import type { QuorumContext } from './quorum-vote.js';

type Answers = readonly Heard<QuorumNode, ReleaseReply>[];

/** Gives locks back: all nodes at once, or the coordinator alone where somebody waits. */
export class QuorumReleaser {
  constructor(private readonly context: QuorumContext) {}

  async release(claim: QuorumClaim, dwell: number): Promise<ReleaseReply> {
    const { group, contention, leftovers } = this.context;
    const { key } = claim;
    const coordinator = claim.coordinator as QuorumNode;
    const handsOver = claim.held && dwell === 0 && contention.isContended(key);
    if (handsOver && coordinator.isAwaited && (await claim.handOver().catch(() => false))) {
      leftovers.add(claim);
      return 'released';
    }
    const asked = group.send(group.nodes, (node) => claim.release(node, dwell));
    const heard = await group.gather(asked, (answers) => this.#judge(coordinator, answers));
    const outcome = this.#outcome(heard);
    if (outcome === undefined) throw group.unavailable(key, heard);
    return outcome;
  }

  /**
   * Gives back all but the coordinator, which has done so in another step. Resolves with how many
   * were held, and how many are not known.
   */
  async releaseRest(claim: QuorumClaim): Promise<{ readonly held: number; readonly open: number }> {
    const { group } = this.context;
    const rest = group.nodes.filter((node) => node !== claim.coordinator);
    const enough = group.majority - 1;
    const asked = group.send(rest, (node) => claim.release(node), enough);
    const heard = await group.gather(asked, ({ length }) => (length >= enough ? 'done' : 'wait'));
    const count = (kind: ReleaseReply) => heard.filter(({ reply }) => reply === kind).length;
    const held = count('released');
    return { held, open: rest.length - count('not-held') - held };
  }

  #judge(coordinator: QuorumNode, heard: Answers): Verdict {
    if (this.#outcome(heard) === undefined) return 'wait';
    return heard.some(({ node }) => node === coordinator) ? 'done' : 'soon';
  }

  /** `undefined`: not known. */
  #outcome(heard: Answers): ReleaseReply | undefined {
    const { majority, nodes } = this.context.group;
    const count = (kind: ReleaseReply): number =>
      heard.filter(({ reply }) => reply === kind).length;
    if (count('released') >= majority) return 'released';
    if (count('not-held') > nodes.length - majority) return 'not-held';
    return count('released') + count('unconfirmed') >= majority ? 'unconfirmed' : undefined;
  }
}
