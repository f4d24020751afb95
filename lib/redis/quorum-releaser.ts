import type { ReleaseReply } from '../engine/lock-store.js';
import type { Asked, Heard, Verdict } from './gather.js';
import type { QuorumClaim } from './quorum-claim.js';
import type { QuorumNode } from './quorum-node.js';
import type { QuorumContext } from './quorum-vote.js';

type Answers = readonly Heard<QuorumNode, ReleaseReply>[];
type Pending = readonly Asked<QuorumNode, ReleaseReply>[];

/**
 * Gives locks back, at all nodes at once. The coordinator, which hands over at once, is told
 * last: until the next holder has heard of it and asks the rest, they are free.
 */
export class QuorumReleaser {
  constructor(private readonly context: QuorumContext) {}

  async release(claim: QuorumClaim, dwell: number): Promise<ReleaseReply> {
    const { group } = this.context;
    const coordinator = claim.coordinator as QuorumNode;
    const nodes = [...this.#others(claim), coordinator];
    const asked = group.send(nodes, (node) => claim.release(node, dwell));
    const heard = await group.gather(asked, (answers) => this.#judge(coordinator, answers));
    const outcome = this.#outcome(heard);
    if (outcome === undefined) throw group.unavailable(claim.key, heard);
    return outcome;
  }

  /**
   * Gives back all but the coordinator, where the token gives up its turn for another in one step
   * that follows. Resolves with how many were held, and how many are not known.
   */
  async releaseRest(claim: QuorumClaim): Promise<{ readonly held: number; readonly open: number }> {
    const { group } = this.context;
    const enough = group.majority - 1;
    const rest: Pending = group.send(this.#others(claim), (node) => claim.release(node), enough);
    const heard = await group.gather(rest, ({ length }) => (length >= enough ? 'done' : 'wait'));
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

  #others(claim: QuorumClaim): readonly QuorumNode[] {
    return this.context.group.nodes.filter((node) => node !== claim.coordinator);
  }
}
