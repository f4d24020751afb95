import { LockConfigError, LockUnavailableError } from '../../engine/api/errors.js';
import type { QuorumState } from '../../engine/store/lock-health.js';
import { NotAppliedError } from '../../engine/store/lock-store.js';
import { atMost } from '../../engine/time/at-most.js';
import type { Clock } from '../../engine/time/clock.js';
import { ReadyWaiters } from '../client/ready-waiters.js';
import { isOlder } from '../client/server-age.js';
import { faultOfMode } from '../client/server-info.js';
import { isLatecomer, isOldEnough, majorityOf } from './arithmetic.js';
import { gather, type NodeAnswer, type Verdict } from './gather.js';
import type { QuorumNode } from './node.js';

/** How long a certain outcome waits for a node whose answer would be good to know, in milliseconds. */
const GRACE_MS = 50;
/** How long the end waits for one that answers, in milliseconds. */
const STRAGGLER_MS = 1000;
/** Leases are taken to be shorter than this where nobody knows their length. */
const LONGEST_UNKNOWN_LEASE_MS = 3_600_000;

/** What a quorum goes by. */
export interface QuorumSettings {
  readonly clock: Clock;
  readonly commandTimeout: number;
  /** The lease that locks have by default. */
  readonly ttl?: number | undefined;
}

/** What nodes have answered to one question. */
export type Answers<T> = readonly NodeAnswer<QuorumNode, T>[];

/** The nodes of a quorum, and what holds for all of them together. */
export class QuorumNodes {
  readonly majority: number;
  readonly clock: Clock;
  readonly #waiting: ReadyWaiters;
  readonly #commandTimeout: number;
  /** When a node that has not been heard of counts as one that does not answer. */
  readonly #knownBy: number;
  #closed = false;
  #restarted: ReadonlySet<QuorumNode> = new Set();
  /** The longest lease that is known to be in use. */
  #longestLease: number;

  constructor(
    readonly all: readonly QuorumNode[],
    { clock, commandTimeout, ttl = 0 }: QuorumSettings,
  ) {
    this.majority = majorityOf(all.length);
    this.clock = clock;
    this.#waiting = new ReadyWaiters(clock);
    this.#commandTimeout = commandTimeout;
    this.#knownBy = clock.now() + commandTimeout;
    this.#longestLease = ttl;
  }

  except(node: QuorumNode): readonly QuorumNode[] {
    return this.all.filter((other) => other !== node);
  }

  /** Waits for a majority, at most the command timeout; at first for every node, to hear who it is; then {@link check}s. */
  async connected(key: string): Promise<void> {
    const until = this.clock.now() + this.#commandTimeout;
    for (;;) {
      const now = this.clock.now();
      const areKnown = now >= this.#knownBy || this.all.every(({ isContacted }) => isContacted);
      const ready = this.all.filter(({ link }) => link.isReady).length;
      const left = (areKnown ? until : this.#knownBy) - now;
      if ((areKnown && ready >= this.majority) || left <= 0 || this.#closed) return this.check(key);
      await this.#waiting.wait(left);
    }
  }

  /** A node has connected or gone, and may have restarted. */
  changed(): void {
    const bornAt = this.all.map(({ server }) => server?.bornAt);
    this.#restarted = new Set(
      this.all.filter(({ hasRestarted }, i) => hasRestarted || isLatecomer(bornAt[i], bornAt)),
    );
    this.#waiting.wake();
  }

  /** @throws {LockConfigError} A server is of another kind, or can't be told from another or from itself before a restart. */
  check(key: string): void {
    for (const [i, { link, server: { runId, mode, fault } = {} }] of this.all.entries()) {
      const twin = runId && this.all.find(({ server }, j) => j < i && server?.runId === runId);
      const problem = twin
        ? `connection names one Redis server twice, as ${twin.link.address} and ${link.address}; a quorum needs independent ones.`
        : fault
          ? `connection: Redis at ${link.address} does not tell a quorum who it is (${fault.message}); its user needs the right +info.`
          : mode && faultOfMode({ mode }, link.address);
      if (problem) throw new LockConfigError([problem], [key], fault);
    }
  }

  /** Somebody uses a lease of so many milliseconds. */
  sawLease(lease: number): void {
    this.#longestLease = Math.max(this.#longestLease, Math.min(lease, LONGEST_UNKNOWN_LEASE_MS));
  }

  /**
   * Whether the node can't have forgotten a lease by a restart that may still run: the longest one in use, whoever
   * asks and for how short a one; where nodes (`holding`) still have a lease of the same lock, nobody knows how long
   * a one, and who is younger than any of them may have forgotten it.
   */
  mayVote(
    node: QuorumNode,
    holding: readonly QuorumNode[] = [],
    held = holding.length > 0,
  ): boolean {
    const { bornAt } = node.server ?? {};
    if (bornAt === undefined) return false;
    const isYounger = holding.some(({ server }) => isOlder(server?.bornAt, bornAt));
    if (!isYounger && !this.#restarted.has(node)) return true;
    const lease = held ? LONGEST_UNKNOWN_LEASE_MS : this.#longestLease;
    return isOldEnough(this.clock.now() - bornAt, lease);
  }

  /** Whether a majority answers and may vote. */
  get canElect(): boolean {
    return this.all.filter((one) => one.isAwaited && this.mayVote(one)).length >= this.majority;
  }

  get state(): QuorumState {
    const silent = this.all.filter((node) => !node.isAwaited).map(({ link }) => link.address);
    return { nodes: this.all.length, needed: this.majority, silent };
  }

  /**
   * Asks every node in `nodes`; a straggler is not waited for once the outcome is certain, and one that did not
   * answer lately only when the others are not `enough`.
   */
  ask<T>(
    nodes: readonly QuorumNode[],
    command: (node: QuorumNode) => Promise<T>,
    judge: (answers: Answers<T>) => Verdict,
    enough = this.majority,
  ): Promise<Answers<T>> {
    const suffices = nodes.filter(({ isAwaited }) => isAwaited).length >= enough;
    const asked = nodes.map((node) => {
      const awaited = !suffices || node.isAwaited;
      return { node, awaited, answer: command(node) };
    });
    return gather(asked, judge, Math.min(GRACE_MS, this.#commandTimeout / 4), this.clock);
  }

  /** What the nodes say by so many that agree and disagree; `undefined`: it depends on the others. */
  agreed(yes: number, no: number): boolean | undefined {
    if (yes >= this.majority) return true;
    return no > this.all.length - this.majority ? false : undefined;
  }

  /** Too few nodes answered, or may vote; nothing of the attempt is left, or it is being cleaned up. */
  unavailable(key: string, answers: Answers<unknown>): NotAppliedError {
    const heard = answers.flatMap(({ node, error }) => (error === undefined ? node : []));
    const voters = heard.filter((node) => this.mayVote(node));
    const late = heard.length - voters.length;
    const but = late > 0 ? `, of which ${late} may not vote yet` : '';
    return new NotAppliedError(
      [key],
      `${heard.length} of ${this.all.length} Redis nodes answered in time${but}; it takes ${this.majority} that agree.`,
      answers.find(({ error }) => error instanceof LockUnavailableError)?.error?.cause,
      this.all.flatMap((node) => (voters.includes(node) ? [] : node.link.address)),
    );
  }

  /** Lets a straggler hear what the others have heard, unless it did not answer lately. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.wake();
    const late = this.all.flatMap(({ isAwaited, underway }) => (isAwaited ? [...underway] : []));
    const patience = Math.min(STRAGGLER_MS, this.#commandTimeout);
    if (late.length > 0) await atMost(patience, Promise.all(late), this.clock);
    for (const { releases } of this.all) releases.close();
    await Promise.all(this.all.map(({ store }) => store.close()));
  }
}
