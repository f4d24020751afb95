import {
  type AcquireCommand,
  type AcquireReply,
  NotAppliedError,
  type ReleaseReply,
} from '../../engine/store/lock-store.js';
import type { QuorumAcquirer } from './acquire.js';
import type { Candidacy } from './candidacy.js';
import type { NodeAnswer, Verdict } from './gather.js';
import type { QuorumNode } from './node.js';
import type { QuorumContext } from './votes.js';

type Answers = readonly NodeAnswer<QuorumNode, ReleaseReply>[];

/**
 * Gives locks back, at all nodes at once. The coordinator decides who comes next, and is told last: by
 * the time that the next holder hears of it and asks the rest, their votes are free.
 */
export class QuorumReleaser {
  constructor(
    private readonly context: QuorumContext,
    private readonly acquirer: QuorumAcquirer,
  ) {}

  async release(claim: Candidacy, minHoldLeft: number): Promise<ReleaseReply> {
    const { group } = this.context;
    const { coordinator } = claim;
    const heard = await group.ask(
      [...this.#others(claim), coordinator],
      (node) => claim.release(node, minHoldLeft),
      (answers) => this.#judge(coordinator, answers),
    );
    const outcome = this.#outcome(heard);
    if (outcome === undefined) throw group.unavailable(claim.key, heard);
    return outcome;
  }

  /**
   * Another process's turn: `old` gives up the lock, and `claim` gets a place behind the others; at
   * the coordinator in one step.
   */
  async yield(claim: Candidacy, command: AcquireCommand, old: Candidacy): Promise<AcquireReply> {
    const { coordinators, group } = this.context;
    coordinators.sawQueue(command.key);
    if (old.coordinator !== claim.coordinator) {
      const yielded = (await this.release(old, 0)) !== 'not-held';
      const alone = { ...command, yields: undefined };
      return { ...(await this.acquirer.askInTurn(claim, alone)), yielded };
    }
    // Sent in this order: when the next holder hears of it, the rest is free.
    const rest = this.#releaseRest(old);
    const reply = await this.acquirer.askCoordinator(claim, command).catch((error: unknown) => {
      old.mayHaveYielded = !(error instanceof NotAppliedError);
      throw error;
    });
    old.mayHaveYielded = reply.kind !== 'stale' && reply.yielded !== false;
    const turn = await this.acquirer.goOn(claim, command, reply);
    const { held, open } = await rest;
    const votes = held + open + (reply.yielded === false ? 0 : 1);
    return { ...turn, yielded: votes >= group.majority };
  }

  /** Gives back all but the coordinator. Resolves with how many were held, and how many are not known. */
  async #releaseRest(claim: Candidacy): Promise<{ readonly held: number; readonly open: number }> {
    const { group } = this.context;
    const enough = group.majority - 1;
    const rest = this.#others(claim);
    const heard = await group.ask(
      rest,
      (node) => claim.release(node),
      ({ length }) => (length >= enough ? 'done' : 'wait'),
      enough,
    );
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

  #others(claim: Candidacy): readonly QuorumNode[] {
    return this.context.group.nodes.filter((node) => node !== claim.coordinator);
  }
}
