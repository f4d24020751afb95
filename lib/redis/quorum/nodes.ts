import { LockConfigError, LockUnavailableError } from '../../engine/api/errors.js';
import type { QuorumState } from '../../engine/store/lock-health.js';
import { NotAppliedError } from '../../engine/store/lock-store.js';
import type { Clock } from '../../engine/time/clock.js';
import { isLatecomer, isOldEnough, majorityOf } from './arithmetic.js';
import { gather, type NodeAnswer, type NodeQuestion, type Verdict } from './gather.js';
import type { QuorumNode } from './node.js';

/** How long a certain outcome waits for a node whose answer would be good to know, in milliseconds. */
const GRACE_MS = 50;
/** Leases are taken to be shorter than this where nobody knows their length. */
const LONGEST_UNKNOWN_LEASE_MS = 3_600_000;

/** What holds for all nodes of a quorum together. */
export interface QuorumSettings {
  readonly clock: Clock;
  readonly commandTimeout: number;
  /** The lease that locks have by default. */
  readonly ttl?: number | undefined;
}

/** The nodes of a quorum, and what holds for all of them together. */
export class QuorumNodes {
  readonly majority: number;
  readonly clock: Clock;
  #contacted = false;
  #fault: string | undefined;
  #restarted: ReadonlySet<QuorumNode> = new Set();
  /** The longest lease that is known to be in use. */
  #longestLease: number;
  readonly #commandTimeout: number;

  constructor(
    readonly all: readonly QuorumNode[],
    { clock, commandTimeout, ttl = 0 }: QuorumSettings,
  ) {
    this.majority = majorityOf(all.length);
    this.clock = clock;
    this.#commandTimeout = commandTimeout;
    this.#longestLease = ttl;
  }

  /** All but one. */
  except(node: QuorumNode): readonly QuorumNode[] {
    return this.all.filter((other) => other !== node);
  }

  /**
   * Waits until a majority is connected, at most the command timeout; the first time until it is
   * known of every node who it is, or that it does not answer.
   */
  async connected(): Promise<void> {
    if (!this.#contacted) {
      await Promise.all(this.all.map((node) => node.contact));
      this.#contacted = true;
    }
    let ready = this.all.filter((node) => node.isReady).length;
    if (ready >= this.majority) return;
    await new Promise<void>((resolve) => {
      for (const node of this.all) {
        if (node.isReady) continue;
        void node.ready(this.#commandTimeout).then(() => {
          ready += 1;
          if (ready >= this.majority) resolve();
        });
      }
    });
  }

  /** A node has told who it is: finds servers that were named twice, and those that have restarted. */
  compare(): void {
    const { all } = this;
    const ids = all.map(({ server }) => server?.runId);
    const twin = ids.findIndex((id, i) => id !== undefined && ids.indexOf(id) < i);
    const [a, b] = [all[ids.indexOf(ids[twin])], all[twin]];
    this.#fault =
      twin < 0
        ? undefined
        : `connection names one Redis server twice, as ${a?.address} and ${b?.address}; a quorum needs independent ones.`;
    const bornAt = all.map(({ server }) => server?.bornAt);
    this.#restarted = new Set(
      all.filter(({ hasRestarted }, i) => hasRestarted || isLatecomer(bornAt[i], bornAt)),
    );
  }

  /** @throws {LockConfigError} A server can't be told from another, or from itself before a restart. */
  check(key: string): void {
    if (this.#fault !== undefined) throw new LockConfigError([this.#fault], [key]);
    for (const { address, server } of this.all) {
      if (server?.fault === undefined) continue;
      const problem = `connection: Redis at ${address} does not tell a quorum who it is (${server.fault.message}); its user needs the right +info.`;
      throw new LockConfigError([problem], [key], server.fault);
    }
  }

  /** Somebody uses a lease of so many milliseconds. */
  sawLease(lease: number): void {
    this.#longestLease = Math.max(this.#longestLease, Math.min(lease, LONGEST_UNKNOWN_LEASE_MS));
  }

  /**
   * Whether the node can't have forgotten a lease by a restart that may still run: whoever asks and for
   * how short a lease, it is the longest one that counts.
   *
   * @param isHeldElsewhere Another node still has a lease of the same lock; nobody knows how long it
   *   was when this one forgot it.
   */
  mayVote(node: QuorumNode, isHeldElsewhere = false): boolean {
    if (node.server?.bornAt === undefined) return false;
    if (!this.#restarted.has(node)) return true;
    const lease = isHeldElsewhere ? LONGEST_UNKNOWN_LEASE_MS : this.#longestLease;
    return isOldEnough(this.clock.now() - node.server.bornAt, lease);
  }

  get state(): QuorumState {
    const silent = this.all.filter((node) => !node.isAwaited).map(({ address }) => address);
    return { nodes: this.all.length, needed: this.majority, silent };
  }

  /** Asks every node in `nodes`; a straggler is not waited for once the outcome is certain. */
  ask<T>(
    nodes: readonly QuorumNode[],
    command: (node: QuorumNode) => Promise<T>,
    judge: (answers: readonly NodeAnswer<QuorumNode, T>[]) => Verdict,
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
    judge: (answers: readonly NodeAnswer<QuorumNode, T>[]) => Verdict,
  ): Promise<readonly NodeAnswer<QuorumNode, T>[]> {
    return gather(asked, judge, Math.min(GRACE_MS, this.#commandTimeout / 4), this.clock);
  }

  /** Too few nodes answered; nothing of the attempt is left, or it is being cleaned up. */
  unavailable(key: string, answers: readonly NodeAnswer<QuorumNode, unknown>[]): NotAppliedError {
    const answered = answers.filter(({ error }) => error === undefined);
    const { all, majority } = this;
    const silent = all.filter((node) => !answered.some((one) => one.node === node));
    const cause = answers.find(({ error }) => error instanceof LockUnavailableError)?.error?.cause;
    return new NotAppliedError(
      [key],
      `${answered.length} of ${all.length} Redis nodes answered in time; it takes ${majority} that agree.`,
      cause,
      silent.map(({ address }) => address),
    );
  }
}
