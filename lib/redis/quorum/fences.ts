import type { FenceBlock } from '../../engine/store/lock-store.js';
import type { Clock } from '../../engine/time/clock.js';
import { highestBlock } from './arithmetic.js';
import type { QuorumNode } from './node.js';
import type { Answers, QuorumNodes } from './nodes.js';

/**
 * The fencing numbers of a quorum. Nodes issue the same ones when they are told one moment to count from, `floor`;
 * where they do not, the highest counts and is made known to a majority.
 */
export class Fences {
  /** Redis' time minus ours, in µs, at the least. */
  #ahead = -Infinity;
  #highest = 0;

  constructor(private readonly clock: Clock) {}

  /**
   * The moment for a command that is sent now, above all numbers that were seen; `undefined`: none was. Never ahead
   * of the fastest clock, by which nodes that have lost their data go on.
   */
  get floor(): number | undefined {
    if (this.#ahead === -Infinity) return undefined;
    return Math.max(this.#highest + 1, Math.floor(this.#ahead + this.clock.now() * 1000));
  }

  /**
   * The fencing numbers of the holder that a majority voted for: the highest that were granted. They are written
   * back first unless a majority knows them: whoever comes next gets the vote of one of these nodes, and with it a
   * larger number. `undefined`: too few could be told.
   */
  async agree(
    nodes: QuorumNodes,
    { key, token }: { readonly key: string; readonly token: string },
    votes: readonly { node: QuorumNode; reply: { fences: FenceBlock } }[],
  ): Promise<FenceBlock | undefined> {
    const block = highestBlock(votes.map(({ reply }) => reply.fences));
    this.#observe(block);
    const behind = votes.filter(({ reply }) => reply.fences.last < block.last);
    const missing = nodes.majority - (votes.length - behind.length);
    if (missing <= 0) return block;
    const raised = (some: Answers<boolean>) => some.filter(({ reply }) => reply).length;
    const answers = await nodes.ask(
      behind.map(({ node }) => node),
      (node) => node.call(key, (store) => store.raise(key, token, block.last)),
      (some) => (raised(some) >= missing ? 'done' : 'wait'),
      Infinity,
    );
    return raised(answers) >= missing ? block : undefined;
  }

  /** A number that has come by now was issued before now: by that it bounds the clock from below. */
  #observe({ last }: FenceBlock): void {
    this.#ahead = Math.max(this.#ahead, last - this.clock.now() * 1000);
    this.#highest = Math.max(this.#highest, last);
  }
}
