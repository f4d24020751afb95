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

  async release(candidacy: Candidacy, minHoldLeft: number): Promise<ReleaseReply> {
    const { nodes } = this.context;
    const { coordinator } = candidacy;
    const answers = await nodes.ask(
      [...nodes.except(coordinator), coordinator],
      (node) => candidacy.release(node, minHoldLeft),
      (answers) => this.#judge(coordinator, answers),
    );
    const outcome = this.#outcome(answers);
    if (outcome === undefined) throw nodes.unavailable(candidacy.key, answers);
    return outcome;
  }

  /**
   * Another process's turn: `old` gives up the lock, and `candidacy` gets a place behind the others; at
   * the coordinator in one step.
   */
  async yield(
    candidacy: Candidacy,
    command: AcquireCommand,
    old: Candidacy,
  ): Promise<AcquireReply> {
    const { coordinators, nodes } = this.context;
    coordinators.sawQueue(command.key);
    if (old.coordinator !== candidacy.coordinator) {
      const yielded = (await this.release(old, 0)) !== 'not-held';
      const alone = { ...command, yields: undefined };
      return { ...(await this.acquirer.askInTurn(candidacy, alone)), yielded };
    }
    // Sent in this order: when the next holder hears of it, the rest is free.
    const rest = this.#releaseRest(old);
    const reply = await this.acquirer.askCoordinator(candidacy, command).catch((error: unknown) => {
      old.mayHaveYielded = !(error instanceof NotAppliedError);
      throw error;
    });
    old.mayHaveYielded = reply.kind !== 'stale' && reply.yielded !== false;
    const turn = await this.acquirer.goOn(candidacy, command, reply);
    const { held, open } = await rest;
    const votes = held + open + (reply.yielded === false ? 0 : 1);
    return { ...turn, yielded: votes >= nodes.majority };
  }

  /** Gives back all but the coordinator. Resolves with how many were held, and how many are not known. */
  async #releaseRest(
    candidacy: Candidacy,
  ): Promise<{ readonly held: number; readonly open: number }> {
    const { nodes } = this.context;
    const enough = nodes.majority - 1;
    const rest = nodes.except(candidacy.coordinator);
    const answers = await nodes.ask(
      rest,
      (node) => candidacy.release(node),
      ({ length }) => (length >= enough ? 'done' : 'wait'),
      enough,
    );
    const count = (kind: ReleaseReply) => answers.filter(({ reply }) => reply === kind).length;
    const held = count('released');
    return { held, open: rest.length - count('not-held') - held };
  }

  #judge(coordinator: QuorumNode, answers: Answers): Verdict {
    if (this.#outcome(answers) === undefined) return 'wait';
    return answers.some(({ node }) => node === coordinator) ? 'done' : 'soon';
  }

  /** `undefined`: not known. */
  #outcome(answers: Answers): ReleaseReply | undefined {
    const { all, majority } = this.context.nodes;
    const count = (kind: ReleaseReply): number =>
      answers.filter(({ reply }) => reply === kind).length;
    if (count('released') >= majority) return 'released';
    if (count('not-held') > all.length - majority) return 'not-held';
    return count('released') + count('unconfirmed') >= majority ? 'unconfirmed' : undefined;
  }
}
