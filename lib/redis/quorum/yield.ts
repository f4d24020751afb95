import {
  type AcquireCommand,
  type AcquireReply,
  NotAppliedError,
} from '../../engine/store/lock-store.js';
import type { QuorumAcquirer } from './acquire.js';
import type { Candidacy } from './candidacy.js';
import type { QuorumReleaser } from './release-and-yield.js';
import type { QuorumContext } from './votes.js';

/** Another process's turn: gives up what a token holds, and takes a place behind in the same step. */
export class QuorumYielder {
  constructor(
    private readonly context: QuorumContext,
    private readonly acquirer: QuorumAcquirer,
    private readonly releaser: QuorumReleaser,
  ) {}

  /** `old` gives up the lock, `claim` gets the place; both in one command where one node is asked for them. */
  async yield(claim: Candidacy, command: AcquireCommand, old: Candidacy): Promise<AcquireReply> {
    const { coordinators, group } = this.context;
    coordinators.sawQueue(command.key);
    if (old.coordinator !== claim.coordinator) {
      const yielded = (await this.releaser.release(old, 0)) !== 'not-held';
      const alone = { ...command, yields: undefined };
      return { ...(await this.acquirer.askInTurn(claim, alone)), yielded };
    }
    // Sent in this order: when the next holder hears of it, the rest is on its way to it, or free.
    const pass = this.releaser.passOf(old);
    const rest = this.releaser.releaseRest(old, pass);
    const reply = await this.acquirer
      .askCoordinator(claim, command, pass)
      .catch((error: unknown) => {
        old.mayHaveYielded = !(error instanceof NotAppliedError);
        throw error;
      });
    old.mayHaveYielded = reply.kind !== 'stale' && reply.yielded !== false;
    const turn = await this.acquirer.goOn(claim, command, reply);
    const { held, open } = await rest;
    const votes = held + open + (reply.yielded === false ? 0 : 1);
    return { ...turn, yielded: votes >= group.majority };
  }
}
