import { inOrder } from './arithmetic.js';
import type { Candidacy } from './candidacy.js';
import type { QuorumNode } from './node.js';
import type { Answers, QuorumNodes } from './nodes.js';

const QUEUE_LIFE_MS = 2000;
const SKIPPED_MS = 10_000;
/** How long a node is left alone that has refused, in milliseconds. */
const REFUSED_MS = 1000;
/** How long the holder of the coordinator is given to take the rest, in milliseconds. */
const DOUBT_MS = 500;
const MAX_KEYS = 1000;

/** Why a node may be of no use as coordinator of a key. */
interface Doubt {
  /** What holds it, though it holds no majority; unset of a node that refuses. */
  readonly holder?: string;
  readonly since: number;
  /** Until when it is left alone: not at all before a second look. */
  readonly skipUntil: number;
}

/**
 * What this process has lately seen of the keys it uses: where there was a queue, and which node is of no use as
 * coordinator. A view of its own, for order and speed; others may see it otherwise.
 */
export class Coordinators {
  /** Until when a queue counts as seen. */
  readonly #queued = new Map<string, number>();
  readonly #doubts = new Map<string, Doubt>();

  constructor(private readonly nodes: QuorumNodes) {}

  /** The node on which `key` is queued for: the first of its order that answers and may vote. */
  coordinatorOf(key: string): QuorumNode {
    const order = inOrder(this.nodes.all, key);
    const awaited = order.filter((node) => node.isAwaited);
    const fit = awaited.find((node) => {
      const { skipUntil = 0 } = this.#doubts.get(this.#idOf(key, node)) ?? {};
      return skipUntil < this.nodes.clock.now() && this.nodes.mayVote(node);
    });
    return fit ?? awaited[0] ?? (order[0] as QuorumNode);
  }

  /** Somebody waits for `key`. */
  sawQueue(key: string): void {
    remember(this.#queued, key, this.nodes.clock.now() + QUEUE_LIFE_MS);
  }

  /** Whether there was a queue lately. */
  queueSeen(key: string): boolean {
    return (this.#queued.get(key) ?? 0) >= this.nodes.clock.now();
  }

  /** Leaves a node alone that refuses. */
  refused(key: string, node: QuorumNode): void {
    const since = this.nodes.clock.now();
    remember(this.#doubts, this.#idOf(key, node), { since, skipUntil: since + REFUSED_MS });
  }

  /**
   * Looks whether the holder of the coordinator holds a majority. In two looks at the same holder, half a second
   * apart, without one, it is a foreign key or a leftover, and the node is skipped. Returns after how many ms to look
   * again; `undefined`: the holder is in order, or not known.
   *
   * @throws {LockUnavailableError} Nobody can get the lock now, or too few answered: no reason to call it busy.
   */
  async doubt({ key, coordinator }: Candidacy, leaseLeft: number): Promise<number | undefined> {
    const holders = await this.nodes.ask(
      this.nodes.all,
      (node) => node.call(key, async (store) => (await store.inspect(key))?.token),
      (some) => (this.#hasMajority(coordinator, some) === undefined ? 'wait' : 'done'),
    );
    const holder = holders.find(({ node }) => node === coordinator)?.reply;
    const has = this.#hasMajority(coordinator, holders);
    const answered = holders.filter(({ error }) => error === undefined).length;
    if ((has === undefined && answered < this.nodes.majority) || !this.nodes.canElect)
      throw this.nodes.unavailable(key, holders);
    const id = this.#idOf(key, coordinator);
    if (holder === undefined || has !== false) {
      this.#doubts.delete(id);
      return undefined;
    }
    const before = this.#doubts.get(id);
    const since = before?.holder === holder ? before.since : this.nodes.clock.now();
    const ms = Math.max(0, since + DOUBT_MS - this.nodes.clock.now());
    const skipUntil = ms > 0 ? 0 : this.nodes.clock.now() + Math.min(leaseLeft, SKIPPED_MS);
    remember(this.#doubts, id, { holder, since, skipUntil });
    return ms;
  }

  /** Whether what holds `node`, if anything, has a majority; `undefined`: that depends on the others. */
  #hasMajority(node: QuorumNode, holders: Answers<string | undefined>): boolean | undefined {
    const own = holders.find((one) => one.node === node);
    if (own?.reply === undefined) return own && true;
    const answered = holders.filter(({ error }) => error === undefined);
    const same = answered.filter(({ reply }) => reply === own.reply).length;
    return this.nodes.agreed(same, answered.length - same);
  }

  #idOf(key: string, node: QuorumNode): string {
    return `${this.nodes.all.indexOf(node)} ${key}`;
  }
}

/** What is forgotten is seen again. */
function remember<T>(entries: Map<string, T>, key: string, value: T): void {
  if (entries.size >= MAX_KEYS) entries.clear();
  entries.set(key, value);
}
