import { describe, expect, it } from '@jest/globals';

import {
  highestBlock,
  inOrder,
  isLatecomer,
  isOldEnough,
  majorityOf,
  validityOf,
} from '../../../../lib/redis/quorum/arithmetic.js';

describe('majorityOf', () => {
  it.each([
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])('of %i nodes is %i: two of them share a node', (nodes, majority) => {
    expect(majorityOf(nodes)).toBe(majority);
    expect(2 * majorityOf(nodes)).toBeGreaterThan(nodes);
  });
});

describe('validityOf', () => {
  it('takes off what has passed, one percent and two milliseconds', () => {
    expect(validityOf(1000, 0)).toBe(988);
    expect(validityOf(1000, 500)).toBe(488);
  });

  it('is over before the lease is', () => {
    expect(validityOf(1000, 988)).toBe(0);
    expect(validityOf(100, 98)).toBeLessThan(0);
  });
});

describe('inOrder', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'];

  it('is the same for one key, a rotation of the nodes', () => {
    const order = inOrder(nodes, 'order:7');

    expect(inOrder(nodes, 'order:7')).toEqual(order);
    expect([...order].sort()).toEqual(nodes);
    expect(nodes.join('').repeat(2)).toContain(order.join(''));
  });

  it('spreads keys evenly', () => {
    const firsts = Array.from({ length: 5000 }, (_, i) => inOrder(nodes, `order:${i}`)[0]);

    for (const node of nodes) {
      const count = firsts.filter((first) => first === node).length;
      expect(count).toBeGreaterThan(800);
      expect(count).toBeLessThan(1200);
    }
  });
});

describe('highestBlock', () => {
  it('is above every earlier holder’s, whichever voter knows that one', () => {
    const blocks = [
      { next: 11, last: 13 },
      { next: 21, last: 23 },
      { next: 1, last: 3 },
    ];

    expect(highestBlock(blocks)).toEqual({ next: 21, last: 23 });
  });
});

describe('isLatecomer', () => {
  it('is a server that most others have been up before', () => {
    expect(isLatecomer(100_000, [100_000, 0, 0])).toBe(true);
    expect(isLatecomer(100_000, [100_000, 99_000, 0])).toBe(false);
    expect(isLatecomer(0, [100_000, 0, 0])).toBe(false);
  });

  it('is none of those that were started together', () => {
    expect(isLatecomer(1000, [1000, 0, 0])).toBe(false);
  });

  it('is one that is younger than the others that tell, when the rest does not', () => {
    expect(isLatecomer(100_000, [100_000, undefined, 0])).toBe(true);
    expect(isLatecomer(100_000, [100_000, undefined, 100_000])).toBe(false);
  });

  it('is one that does not tell itself', () => {
    expect(isLatecomer(undefined, [undefined, 0, 0])).toBe(true);
  });
});

describe('isOldEnough', () => {
  it('is a server once every lease of that length is over by any clock', () => {
    expect(isOldEnough(1000, 1000)).toBe(false);
    expect(isOldEnough(1012, 1000)).toBe(false);
    expect(isOldEnough(1013, 1000)).toBe(true);
  });
});
