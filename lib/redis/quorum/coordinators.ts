import { inOrder } from './arithmetic.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';

const QUEUE_LIFE_MS = 2000;
const PASSED_OVER_MS = 10_000;
const MAX_KEYS = 1000;

/**
 * What this process has lately seen of the keys it uses: where a queue was met, and which node is
 * of no use as coordinator. A view of its own, for order and speed; others may see it otherwise.
 */
export class Coordinators {
  readonly #queued = new Map<string, number>();
  readonly #passedOver = new Map<string, { readonly node: QuorumNode; readonly until: number }>();

  constructor(private readonly group: QuorumNodes) {}

  /**
   * The node on which `key` is queued for: the first of its order that answers and may vote.
   *
   * @param among Nodes that come into question; at least one.
   */
  coordinatorOf(
    key: string,
    lease: number,
    among: readonly QuorumNode[] = this.group.nodes,
  ): QuorumNode {
    const order = inOrder(this.group.nodes, key).filter((node) => among.includes(node));
    const passed = this.#passed(key);
    const fit = order.find(
      (node) => node !== passed && node.isAwaited && this.group.mayVote(node, lease),
    );
    return fit ?? order.find((node) => node.isAwaited) ?? (order[0] as QuorumNode);
  }

  /** Somebody waits for `key`. */
  sawQueue(key: string): void {
    note(this.#queued, key, performance.now(), (at) => performance.now() - at > QUEUE_LIFE_MS);
  }

  /** Whether a queue was met lately. */
  queueSeen(key: string): boolean {
    const at = this.#queued.get(key);
    return at !== undefined && performance.now() - at <= QUEUE_LIFE_MS;
  }

  /** The lock at `node` is held by something that no majority knows, for `leaseLeft` ms more. */
  skip(key: string, node: QuorumNode, leaseLeft: number): void {
    const until = performance.now() + Math.min(leaseLeft, PASSED_OVER_MS);
    note(this.#passedOver, key, { node, until }, (old) => old.until < performance.now());
  }

  #passed(key: string): QuorumNode | undefined {
    const passed = this.#passedOver.get(key);
    return passed !== undefined && passed.until >= performance.now() ? passed.node : undefined;
  }
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
