import type { ReleaseReply } from '../../engine/store/lock-store.js';
import type { Pass } from '../store/joint-commands.js';
import type { Candidacy } from './candidacy.js';
import type { NodeAnswer, NodeQuestion, Verdict } from './gather.js';
import type { QuorumNode } from './node.js';
import type { QuorumContext } from './votes.js';

type Answers = readonly NodeAnswer<QuorumNode, ReleaseReply>[];
type Pending = readonly NodeQuestion<QuorumNode, ReleaseReply>[];

/** A node that hears of it later frees its vote: the next holder has gone on without, in milliseconds. */
const PASS_ON_MS = 100;

/**
 * Gives locks back, at all nodes at once, and passes them on to the first in the coordinator's queue
 * where that is known. The coordinator decides who comes next, and is told last: by then the votes
 * of the rest are on their way to the next holder, or free.
 */
export class QuorumReleaser {
  constructor(private readonly context: QuorumContext) {}

  async release(claim: Candidacy, minHoldLeft: number): Promise<ReleaseReply> {
    const { group } = this.context;
    const coordinator = claim.coordinator as QuorumNode;
    const nodes = [...this.#others(claim), coordinator];
    const pass = minHoldLeft === 0 ? this.passOf(claim) : undefined;
    const asked = group.send(nodes, (node) => this.#releaseAt(node, claim, minHoldLeft, pass));
    const heard = await group.gather(asked, (answers) => this.#judge(coordinator, answers));
    const outcome = this.#outcome(heard);
    if (outcome === undefined) throw group.unavailable(claim.key, heard);
    return outcome;
  }

  /**
   * Gives back all but the coordinator, where the token gives up its turn for another in one step
   * that follows. Resolves with how many were held, and how many are not known.
   */
  async releaseRest(
    claim: Candidacy,
    pass: Pass | undefined,
  ): Promise<{ readonly held: number; readonly open: number }> {
    const { group } = this.context;
    const enough = group.majority - 1;
    const release = (node: QuorumNode) => this.#releaseAt(node, claim, 0, pass);
    const rest: Pending = group.send(this.#others(claim), release, enough);
    const heard = await group.gather(rest, ({ length }) => (length >= enough ? 'done' : 'wait'));
    const count = (kind: ReleaseReply) => heard.filter(({ reply }) => reply === kind).length;
    const held = count('released');
    return { held, open: rest.length - count('not-held') - held };
  }

  /** How the lock of `claim` passes on, where others wait for it; `undefined`: it is freed. */
  passOf({ key, heir }: Candidacy): Pass | undefined {
    const { coordinators, fences } = this.context;
    const floor = fences.at(performance.now());
    const isWanted = heir !== undefined || coordinators.queueSeen(key);
    if (floor === undefined || !isWanted) return undefined;
    return { heir, floor, until: performance.now() + PASS_ON_MS };
  }

  #releaseAt(
    node: QuorumNode,
    claim: Candidacy,
    minHoldLeft: number,
    pass: Pass | undefined,
  ): Promise<ReleaseReply> {
    if (pass === undefined) return claim.release(node, minHoldLeft);
    // The coordinator goes by its queue. Without an heir only its numbers are of interest.
    if (node === claim.coordinator)
      return claim.release(node, minHoldLeft, { ...pass, until: undefined });
    return claim.release(node, minHoldLeft, pass.heir === undefined ? undefined : pass);
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

  #others(claim: Candidacy): readonly QuorumNode[] {
    return this.context.group.nodes.filter((node) => node !== claim.coordinator);
  }
}
