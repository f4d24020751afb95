import {
  type AcquireCommand,
  type AcquireReply,
  ALIVE_MS,
  NotAppliedError,
  type ReleaseReply,
} from '../../engine/store/lock-store.js';
import type { PushedGrant } from '../servers/push-messages.js';
import type { Pass } from '../store/joint-commands.js';
import type { RedisLockStore } from '../store/redis-lock.store.js';
import type { QuorumNode } from './node.js';
import { ReleaseLog } from './release-log.js';

/** How long who was granted the coordinator is given to take the rest, in milliseconds. */
const DOUBT_MS = 500;

/**
 * One token at all the nodes. Its commands to one node run one after another: what gives a vote
 * back can't overtake what asks for it, though the answer is late or never comes.
 */
export class Candidacy {
  /** Where the token is queued, or was granted. */
  coordinator: QuorumNode | undefined;
  /** Who is first in the coordinator's queue, as far as it is known: the next holder. */
  heir: string | undefined;
  /** What nodes have pushed, until it is given up. */
  readonly grants = new Map<QuorumNode, PushedGrant>();
  /** Who holds the coordinator without a majority, and when that was first seen. */
  #doubted: { readonly holder: string; readonly since: number } | undefined;
  /** Whether a majority gave it the lock. */
  held = false;
  /** Whether the coordinator may have given it up for another token, in the same step. */
  mayHaveYielded = false;
  readonly releases: ReleaseLog;
  readonly #last = new Map<QuorumNode, Promise<unknown>>();
  /** Nodes that may have the token. */
  readonly #asked: Set<QuorumNode>;
  /** What nodes answered that gave it up. */
  readonly #released = new Map<QuorumNode, Promise<ReleaseReply>>();
  /** Nodes that may have got the token from the holder before, and have not told. */
  readonly #expected = new Set<QuorumNode>();

  /** @param asked All nodes, for a token of which nothing is known. */
  constructor(
    readonly key: string,
    readonly token: string,
    readonly ttl: number,
    asked: readonly QuorumNode[] = [],
  ) {
    this.#asked = new Set(asked);
    this.releases = new ReleaseLog(token);
  }

  /** Asks one node for its vote, or for a place in its queue; `heir`: to whom the rest is passed. */
  ask(
    node: QuorumNode,
    command: AcquireCommand,
    floor?: number,
    heir?: string,
  ): Promise<AcquireReply> {
    const known = this.#asked.has(node);
    this.#asked.add(node);
    this.#expected.delete(node);
    this.#released.delete(node);
    const told = this.releases.toldTo(node);
    const answer = this.#inTurn(node, async () => {
      if (this.releases.mayStillCome(node))
        throw new NotAppliedError([this.key], 'it is being cleaned up.');
      return node.call(this.key, (store) => store.acquire(command, floor, heir));
    });
    answer.then(
      (reply) => {
        if (reply.kind === 'held') this.releases.voted(node, told);
      },
      (error: unknown) => {
        const isNew = !known && !this.grants.has(node);
        if (isNew && error instanceof NotAppliedError) this.#asked.delete(node);
      },
    );
    return answer;
  }

  /** A node has pushed its vote, which counts unless it may have been given back since. */
  granted(node: QuorumNode, grant: PushedGrant): void {
    this.#asked.add(node);
    this.#expected.delete(node);
    if (this.releases.outdates(node)) return;
    this.grants.set(node, grant);
    if (node === this.coordinator) this.heir = grant.next;
  }

  /** A renewal is on its way: it prolongs what the node has of it, whether that was told or not. */
  renewing(node: QuorumNode): void {
    if (node.isReady) this.#asked.add(node);
  }

  /**
   * The holder before has passed the lock on: any of these nodes may have the token by now, or soon.
   * Where this process can't give it back, it ends with its claim.
   */
  inherit(nodes: readonly QuorumNode[]): void {
    for (const node of nodes) {
      if (!node.isReady) continue;
      if (!this.#asked.has(node)) this.#expected.add(node);
      this.#asked.add(node);
    }
  }

  /** Gives back a vote of which a node has told too late, unless the release has found just that one. */
  refuse(node: QuorumNode): void {
    const answer = this.#released.get(node) ?? Promise.resolve('not-held');
    const refused = answer.then((outcome) => {
      if (this.#expected.delete(node) && outcome === 'released') return undefined;
      this.#asked.add(node);
      return this.release(node);
    });
    // Of a node that did not hear of it, which is told later.
    refused.catch(() => undefined);
  }

  /** Whether nodes may still tell of votes that were passed to it. */
  get isExpecting(): boolean {
    return this.#expected.size > 0;
  }

  /** Resolves when all nodes that were told to give it up have answered, or failed to. */
  async givenBack(): Promise<void> {
    await Promise.allSettled(this.#released.values());
  }

  send<T>(node: QuorumNode, command: (store: RedisLockStore) => Promise<T>): Promise<T> {
    return this.#inTurn(node, () => node.call(this.key, command));
  }

  /** Runs behind all that was sent to this node before. */
  #inTurn<T>(node: QuorumNode, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(node);
    const answer = before === undefined ? run() : before.then(run);
    const settled: Promise<void> = answer.then(
      () => this.#settled(node, settled),
      () => this.#settled(node, settled),
    );
    this.#last.set(node, settled);
    return answer;
  }

  /**
   * Takes the token back from a node; one that does not hear of it is told when it is back. A node
   * is not asked twice: what it answered stands.
   *
   * @param pass How it is passed on instead of freed.
   */
  release(node: QuorumNode, minHoldLeft = 0, pass?: Pass): Promise<ReleaseReply> {
    if (!this.#asked.delete(node)) return this.#released.get(node) ?? Promise.resolve('not-held');
    this.grants.delete(node);
    const { key, token } = this;
    const sent = this.send(node, (store) => store.release({ key, token, minHoldLeft }, pass));
    const mayHaveYielded = this.mayHaveYielded && node === this.coordinator;
    const answer = mayHaveYielded ? sent.then(unproven) : sent;
    this.#released.set(node, answer);
    this.releases.told(node, answer);
    answer.catch(() => {
      node.owe(token, {
        key,
        minHoldLeft,
        until: performance.now() + Math.max(this.ttl, ALIVE_MS),
      });
    });
    return answer;
  }

  /** Gives back what these nodes gave; one that does not hear of it is told later. */
  giveBack(nodes: readonly QuorumNode[]): void {
    for (const node of nodes) this.release(node).catch(() => undefined);
  }

  /**
   * Takes note of what holds the coordinator though no majority does. Returns for how many
   * milliseconds it may still be on its way to the rest of the nodes; not above 0: it is a leftover.
   */
  doubt(holder: string): number {
    const now = performance.now();
    if (this.#doubted?.holder !== holder) this.#doubted = { holder, since: now };
    return this.#doubted.since + DOUBT_MS - now;
  }

  #settled(node: QuorumNode, command: Promise<void>): void {
    if (this.#last.get(node) === command) this.#last.delete(node);
  }
}

/** That it is not held any more is no proof of a loss. */
function unproven(outcome: ReleaseReply): ReleaseReply {
  return outcome === 'not-held' ? 'unconfirmed' : outcome;
}
