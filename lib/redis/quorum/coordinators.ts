import { inOrder, majorityOf } from './arithmetic.js';
import type { Candidacy } from './candidacy.js';
import type { NodeAnswer } from './gather.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';

const QUEUE_LIFE_MS = 2000;
const SKIPPED_MS = 10_000;
/** How long the holder of the coordinator is given to take the rest, in milliseconds. */
const DOUBT_MS = 500;
const MAX_KEYS = 1000;

/** What holds the lock, by node. */
type Views = readonly NodeAnswer<QuorumNode, string | undefined>[];

/**
 * What this process has lately seen of the keys it uses: where there was a queue, and which node is
 * of no use as coordinator. A view of its own, for order and speed; others may see it otherwise.
 */
export class Coordinators {
  readonly #queued = new Map<string, number>();
  readonly #skipped = new Map<string, { readonly node: QuorumNode; readonly until: number }>();
  readonly #doubted = new Map<string, { readonly holder: string; readonly since: number }>();

  constructor(private readonly nodes: QuorumNodes) {}

  /**
   * The node on which `key` is queued for: the first of its order that answers and may vote.
   *
   * @param among Nodes that come into question; at least one.
   */
  coordinatorOf(key: string, among: readonly QuorumNode[] = this.nodes.all): QuorumNode {
    const order = inOrder(this.nodes.all, key).filter((node) => among.includes(node));
    const skipped = this.#skippedNode(key);
    const fit = order.find(
      (node) => node !== skipped && node.isAwaited && this.nodes.mayVote(node),
    );
    return fit ?? order.find((node) => node.isAwaited) ?? (order[0] as QuorumNode);
  }

  /** Somebody waits for `key`. */
  sawQueue(key: string): void {
    note(this.#queued, key, this.#now, (at) => this.#now - at > QUEUE_LIFE_MS);
  }

  /** Whether there was a queue lately. */
  queueSeen(key: string): boolean {
    const at = this.#queued.get(key);
    return at !== undefined && this.#now - at <= QUEUE_LIFE_MS;
  }

  /** Leaves a node alone, as long as something holds it that has no majority, or it refuses. */
  skip(key: string, node: QuorumNode, ms: number): void {
    const until = this.#now + Math.min(ms, SKIPPED_MS);
    note(this.#skipped, key, { node, until }, (old) => old.until < this.#now);
  }

  /**
   * Looks whether the holder of the coordinator holds a majority. In two looks at the same holder, half a
   * second apart, without one, it is a foreign key or a leftover, and the node is skipped.
   *
   * Returns after how many milliseconds to look again; `undefined`: the holder is in order, or not known.
   */
  async doubt(
    { key, coordinator: node }: Candidacy,
    leaseLeft: number,
  ): Promise<number | undefined> {
    const views: Views = await this.nodes.ask(
      this.nodes.all,
      (one) => one.call(key, async (store) => (await store.inspect(key))?.token),
      (some) => (standingOf(node, some, this.nodes.all.length) === 'open' ? 'wait' : 'done'),
    );
    const holder = views.find((view) => view.node === node)?.reply;
    const isAlone = standingOf(node, views, this.nodes.all.length) === 'alone';
    if (holder === undefined || !isAlone) {
      this.#doubted.delete(key);
      return undefined;
    }
    const before = this.#doubted.get(key);
    const doubted = before?.holder === holder ? before : { holder, since: this.#now };
    note(this.#doubted, key, doubted, ({ since }) => this.#now - since > SKIPPED_MS);
    const ms = doubted.since + DOUBT_MS - this.#now;
    if (ms <= 0) this.skip(key, node, leaseLeft);
    return Math.max(0, ms);
  }

  get #now(): number {
    return this.nodes.clock.now();
  }

  #skippedNode(key: string): QuorumNode | undefined {
    const skipped = this.#skipped.get(key);
    return skipped !== undefined && skipped.until >= this.#now ? skipped.node : undefined;
  }
}

/** Whether what holds `node` holds a majority; `open`: that depends on the nodes that have not answered. */
function standingOf(
  node: QuorumNode,
  views: Views,
  count: number,
): 'alone' | 'of-many' | 'free' | 'open' {
  const own = views.find((view) => view.node === node);
  if (own === undefined) return 'open';
  const holder = own.reply;
  if (holder === undefined) return 'free';
  const others = views.filter(({ reply, error }) => error === undefined && reply !== holder);
  if (count - others.length < majorityOf(count)) return 'alone';
  const same = views.filter(({ reply }) => reply === holder);
  return same.length >= majorityOf(count) ? 'of-many' : 'open';
}

/** Sets an entry as the newest, and drops the oldest that are of no use any more. */
function note<T>(entries: Map<string, T>, key: string, value: T, isOver: (entry: T) => boolean) {
  entries.delete(key);
  entries.set(key, value);
  for (const [oldest, entry] of entries) {
    if (entries.size <= MAX_KEYS && !isOver(entry)) return;
    entries.delete(oldest);
  }
}
