import type { FenceBlock } from '../../engine/store/lock-store.js';

/**
 * Estimates the moment from which several nodes can issue the same fencing numbers: at or after
 * the fastest of their clocks, and above every number that was seen. Once it is too early the
 * nodes disagree, which costs a round trip, no order.
 */
export class FenceClock {
  /** Redis' time minus ours, in µs. */
  #ahead = -Infinity;

  /** Numbers that a command sent at `sentAt`, our time in ms, has reserved. */
  observe({ last }: FenceBlock, sentAt: number): void {
    this.#ahead = Math.max(this.#ahead, last - sentAt * 1000);
  }

  /** The moment for a command that is sent at `now`; `undefined` before the first number was seen. */
  at(now: number): number | undefined {
    return this.#ahead === -Infinity ? undefined : Math.ceil(this.#ahead + now * 1000);
  }
}
