import { describe, expect, it } from '@jest/globals';

import { Fences } from '../../../../lib/redis/quorum/fences.js';
import type { QuorumNode } from '../../../../lib/redis/quorum/node.js';
import { QuorumNodes } from '../../../../lib/redis/quorum/nodes.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const CANDIDACY = { key: 'k', token: 't' };

/** The numbers of a quorum of three, at a moment that the test chooses. */
function fencesAt(now: number) {
  const clock = new VirtualClock({ now });
  const node = { isAwaited: true, call: async () => true } as unknown as QuorumNode;
  const nodes = new QuorumNodes([node, node, node], { clock, commandTimeout: 1000 });
  const fences = new Fences(clock);
  const agree = (...lasts: number[]) =>
    fences.agree(
      nodes,
      CANDIDACY,
      lasts.map((last) => ({ node, reply: { fences: { next: last, last } } })),
    );
  return { clock, fences, agree };
}

describe('Fences', () => {
  it('know no moment to count from before they have seen a number', () => {
    expect(fencesAt(5).fences.floor).toBeUndefined();
  });

  it('are the highest that the voters issued', async () => {
    expect(await fencesAt(5).agree(7000, 9000, 8000)).toEqual({ next: 9000, last: 9000 });
  });

  it('count on from the highest number, as time does', async () => {
    const { clock, fences, agree } = fencesAt(1000);
    await agree(5_000_000, 5_000_010);
    await agree(4_000_000);

    expect(fences.floor).toBe(5_000_011);
    await clock.advance(2.5);
    expect(fences.floor).toBe(5_002_510);
  });

  it('do not run ahead of the clock by the time that an answer took', async () => {
    const { clock, fences, agree } = fencesAt(0);
    // Sent at 0, issued at 1 ms of Redis' time, answered at 900.
    await clock.advance(900);
    await agree(1000);
    await clock.advance(1000);

    expect(fences.floor).toBe(1000 + 1_000_000);
  });

  it('are whole numbers', async () => {
    const { clock, fences, agree } = fencesAt(1.23456);
    await agree(1_790_000_000_000_000);
    await clock.advance(6.6);

    expect(Number.isSafeInteger(fences.floor)).toBe(true);
  });
});
