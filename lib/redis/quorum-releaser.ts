import type { ReleaseReply } from '../engine/lock-store.js';
import type { Asked, Heard, Verdict } from './gather.js';
import type { QuorumClaim } from './quorum-claim.js';
import type { QuorumNode } from './quorum-node.js';
import type { QuorumContext } from './quorum-vote.js';

type Answers = readonly Heard<QuorumNode, ReleaseReply>[];
type Pending = readonly Asked<QuorumNode, ReleaseReply>[];

/** Gives locks back: where somebody waits, the coordinator last, since it hands over at once. */
export class QuorumReleaser {
  /** Releases whose last command, to the coordinator, has not gone out yet; by key. */
  readonly #underway = new Map<string, Promise<unknown>>();

  constructor(private readonly context: QuorumContext) {}

  /**
   * Resolves when what was given back before at this key is on its way: the coordinator knows one
   * place of a process, and a release that comes behind a new place would end that one's life.
   */
  sent(key: string): Promise<unknown> | undefined {
    return this.#underway.get(key);
  }

  async release(claim: QuorumClaim, dwell: number): Promise<ReleaseReply> {
    const { group, contention } = this.context;
    const coordinator = claim.coordinator as QuorumNode;
    const rest = this.#send(claim, this.#others(claim), dwell, group.majority - 1);
    // Waited for, though it did not answer lately, when the others alone are no majority.
    const spare = rest.filter(({ awaited }) => awaited).length >= group.majority ? 0 : 1;
    const sendLast = (): Pending => this.#send(claim, [coordinator], dwell, spare);
    const handsOver = claim.held && contention.isContended(claim.key);
    const last = handsOver ? await this.#afterRest(claim.key, rest, sendLast) : sendLast();
    const asked = [...rest, ...last];
    const heard = await group.gather(asked, (answers) => this.#judge(coordinator, answers));
    const outcome = this.#outcome(heard);
    if (outcome === undefined) throw group.unavailable(claim.key, heard);
    return outcome;
  }

  /**
   * Gives back all but the coordinator, where the token gives up its turn for another in one step.
   * Resolves with how many were held, and how many are not known.
   */
  async releaseRest(claim: QuorumClaim): Promise<{ readonly held: number; readonly open: number }> {
    const rest = this.#send(claim, this.#others(claim), 0, this.context.group.majority - 1);
    const heard = await this.#freed(rest);
    const held = heard.filter(({ reply }) => reply === 'released').length;
    return {
      held,
      open: rest.length - heard.filter(({ reply }) => reply === 'not-held').length - held,
    };
  }

  async #afterRest(key: string, rest: Pending, send: () => Pending): Promise<Pending> {
    const sent = this.#freed(rest).then(send);
    this.#underway.set(key, sent);
    const pending = await sent;
    if (this.#underway.get(key) === sent) this.#underway.delete(key);
    return pending;
  }

  /** Waits until the next holder can have a majority together with the coordinator. */
  #freed(rest: Pending): Promise<Answers> {
    const { group } = this.context;
    return group.gather(rest, (heard) => (heard.length >= group.majority - 1 ? 'done' : 'wait'));
  }

  #send(claim: QuorumClaim, nodes: readonly QuorumNode[], dwell: number, enough: number): Pending {
    return this.context.group.send(nodes, (node) => claim.release(node, dwell), enough);
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
