import { NotAppliedError } from '../engine/lock-store.js';
import type { AcquireCommand, AcquireReply, Grant, ReleaseReply } from '../engine/lock-store.js';
import type { QuorumNode } from './quorum-node.js';
import type { RedisLockStore } from './redis-lock.store.js';

/** As long as a waiter counts as alive in Redis. */
const ALIVE_MS = 15_000;
/** How long who was granted the coordinator is given to take the rest, in milliseconds. */
const DOUBT_MS = 500;

/**
 * One token at all the nodes. Its commands to one node run one after another: what gives a vote
 * back can't overtake what asks for it, though the answer is late or never comes.
 */
export class QuorumClaim {
  /** Where the token is queued, or was granted. */
  coordinator: QuorumNode | undefined;
  /** The coordinator's push, until it is used. */
  grant: Grant | undefined;
  /** Who holds the coordinator without a majority, and when that was first seen. */
  #doubted: { readonly holder: string; readonly since: number } | undefined;
  /** Whether a majority gave it the lock. */
  held = false;
  readonly #last = new Map<QuorumNode, Promise<unknown>>();
  /** Nodes that may have the token. */
  readonly #asked: Set<QuorumNode>;
  /** What nodes answered that gave it up. */
  readonly #released = new Map<QuorumNode, Promise<ReleaseReply>>();

  /** @param asked All nodes, for a token of which nothing is known. */
  constructor(
    readonly key: string,
    readonly token: string,
    readonly ttl: number,
    asked: readonly QuorumNode[] = [],
  ) {
    this.#asked = new Set(asked);
  }

  /** Asks one node for its vote, or for a place in its queue. */
  ask(node: QuorumNode, command: AcquireCommand, floor?: number): Promise<AcquireReply> {
    if (node.owes(this.token)) {
      return Promise.reject(new NotAppliedError([this.key], 'it is being cleaned up.'));
    }
    const known = this.#asked.has(node);
    this.#asked.add(node);
    this.#released.delete(node);
    const answer = this.send(node, (store) => store.acquire(command, floor));
    answer.catch((error: unknown) => {
      if (!known && error instanceof NotAppliedError) this.#asked.delete(node);
    });
    return answer;
  }

  send<T>(node: QuorumNode, command: (store: RedisLockStore) => Promise<T>): Promise<T> {
    const before = this.#last.get(node);
    const run = (): Promise<T> => node.call(this.key, command);
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
   */
  release(node: QuorumNode, dwell = 0): Promise<ReleaseReply> {
    if (!this.#asked.delete(node)) return this.#released.get(node) ?? Promise.resolve('not-held');
    const { key, token } = this;
    const answer = this.send(node, (store) => store.release({ key, token, dwell }));
    this.#released.set(node, answer);
    answer.catch(() => {
      node.owe(token, { key, dwell, until: performance.now() + Math.max(this.ttl, ALIVE_MS) });
    });
    return answer;
  }

  /** Gives back what these nodes gave; resolves when those that can be reached have heard of it. */
  async giveBack(nodes: readonly QuorumNode[]): Promise<void> {
    const releases = nodes.map((node) => [node.isAwaited, this.release(node)] as const);
    const heard = releases.map(([, release]) => release.catch(() => undefined));
    await Promise.all(heard.filter((_, i) => releases[i]?.[0]));
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
