import { LockConfigError, LockUnavailableError } from '../../engine/api/errors.js';
import type { QuorumState } from '../../engine/store/lock-health.js';
import { NotAppliedError } from '../../engine/store/lock-store.js';
import { isLatecomer, isOldEnough, majorityOf } from './arithmetic.js';
import { gather, type NodeAnswer, type NodeQuestion, type Verdict } from './gather.js';
import type { QuorumNode } from './node.js';

/** How long a certain outcome waits for a node whose answer would be good to know, in milliseconds. */
const GRACE_MS = 50;

/** The nodes of a quorum, and what holds for all of them together. */
export class QuorumNodes {
  readonly majority: number;
  #contacted = false;
  #fault: string | undefined;
  #restarted: ReadonlySet<QuorumNode> = new Set();

  constructor(
    readonly nodes: readonly QuorumNode[],
    private readonly commandTimeout: number,
  ) {
    this.majority = majorityOf(nodes.length);
  }

  /**
   * Waits until a majority is connected, at most the command timeout; the first time until it is
   * known of every node who it is, or that it does not answer.
   */
  async connected(): Promise<void> {
    if (!this.#contacted) {
      await Promise.all(this.nodes.map((node) => node.contact));
      this.#contacted = true;
    }
    let ready = this.nodes.filter((node) => node.isReady).length;
    if (ready >= this.majority) return;
    await new Promise<void>((resolve) => {
      for (const node of this.nodes) {
        if (node.isReady) continue;
        void node.ready(this.commandTimeout).then(() => {
          ready += 1;
          if (ready >= this.majority) resolve();
        });
      }
    });
  }

  /** A node has told who it is: finds servers that were named twice, and those that have restarted. */
  compare(): void {
    const { nodes } = this;
    const ids = nodes.map((node) => node.runId);
    const twin = ids.findIndex((id, i) => id !== undefined && ids.indexOf(id) < i);
    const [a, b] = [nodes[ids.indexOf(ids[twin])], nodes[twin]];
    this.#fault =
      twin < 0
        ? undefined
        : `connection names one Redis server twice, as ${a?.address} and ${b?.address}; a quorum needs independent ones.`;
    const bornAt = nodes.map((node) => node.bornAt);
    this.#restarted = new Set(
      nodes.filter(
        (node) =>
          node.bornAt !== undefined && (node.hasRestarted || isLatecomer(node.bornAt, bornAt)),
      ),
    );
  }

  /** @throws {LockConfigError} Two nodes are the same server: its vote would count twice. */
  check(key: string): void {
    if (this.#fault !== undefined) throw new LockConfigError([this.#fault], [key]);
  }

  /** Whether the node can't have forgotten a lease of this length by a restart. */
  mayVote(node: QuorumNode, lease: number): boolean {
    if (!this.#restarted.has(node) || node.bornAt === undefined) return true;
    return isOldEnough(performance.now() - node.bornAt, lease);
  }

  get state(): QuorumState {
    const silent = this.nodes.filter((node) => !node.isAwaited).map(({ address }) => address);
    return { nodes: this.nodes.length, needed: this.majority, silent };
  }

  /** Asks every node in `nodes`; a straggler is not waited for once the outcome is certain. */
  ask<T>(
    nodes: readonly QuorumNode[],
    command: (node: QuorumNode) => Promise<T>,
    judge: (heard: readonly NodeAnswer<QuorumNode, T>[]) => Verdict,
    enough?: number,
  ): Promise<readonly NodeAnswer<QuorumNode, T>[]> {
    return this.gather(this.send(nodes, command, enough), judge);
  }

  /** Sends to every node. One that did not answer lately is waited for only when the others are not `enough`. */
  send<T>(
    nodes: readonly QuorumNode[],
    command: (node: QuorumNode) => Promise<T>,
    enough = this.majority,
  ): readonly NodeQuestion<QuorumNode, T>[] {
    const suffices = nodes.filter((node) => node.isAwaited).length >= enough;
    return nodes.map((node) => {
      const awaited = !suffices || node.isAwaited;
      return { node, awaited, answer: command(node) };
    });
  }

  gather<T>(
    asked: readonly NodeQuestion<QuorumNode, T>[],
    judge: (heard: readonly NodeAnswer<QuorumNode, T>[]) => Verdict,
  ): Promise<readonly NodeAnswer<QuorumNode, T>[]> {
    return gather(asked, judge, Math.min(GRACE_MS, this.commandTimeout / 4));
  }

  /** Too few nodes answered; nothing of the attempt is left, or it is being cleaned up. */
  unavailable(key: string, heard: readonly NodeAnswer<QuorumNode, unknown>[]): NotAppliedError {
    const answered = heard.filter(({ error }) => error === undefined);
    const { nodes, majority } = this;
    const silent = nodes.filter((node) => !answered.some((one) => one.node === node));
    const cause = heard.find(({ error }) => error instanceof LockUnavailableError)?.error?.cause;
    return new NotAppliedError(
      [key],
      `${answered.length} of ${nodes.length} Redis nodes answered in time; it takes ${majority} that agree.`,
      cause,
      silent.map(({ address }) => address),
    );
  }
}
