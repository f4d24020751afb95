import { describe, expect, it } from '@jest/globals';

import { FenceClock } from '../../../../lib/redis/quorum/fences.js';

describe('FenceClock', () => {
  it('knows nothing before it has seen a number', () => {
    expect(new FenceClock().at(5)).toBeUndefined();
  });

  it('goes on from the highest number, as time does', () => {
    const clock = new FenceClock();
    clock.observe({ next: 5_000_000, last: 5_000_000 }, 1000);
    clock.observe({ next: 5_000_010, last: 5_000_010 }, 1000);
    clock.observe({ next: 4_000_000, last: 4_000_000 }, 1000);

    expect(clock.at(1000)).toBe(5_000_010);
    expect(clock.at(1002.5)).toBe(5_002_510);
  });

  it('gives whole numbers', () => {
    const clock = new FenceClock();
    clock.observe({ next: 1_790_000_000_000_000, last: 1_790_000_000_000_000 }, 1.23456);

    expect(Number.isSafeInteger(clock.at(7.891011))).toBe(true);
  });
});
