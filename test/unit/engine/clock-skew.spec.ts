import { describe, expect, it } from '@jest/globals';

import { skewOf, suspendedBetween, suspendedSince } from '../../../lib/engine/time/clock-skew.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('the difference of the clocks', () => {
  it('tells of a suspended machine when it has grown by more than 50 ms', () => {
    expect(suspendedBetween(1000, 1050)).toBe(0);
    expect(suspendedBetween(1000, 1051)).toBe(51);
    expect(suspendedBetween(1000, 0)).toBe(0);
  });

  it('is taken anew for each look', async () => {
    const clock = new VirtualClock();
    const before = skewOf(clock);
    await clock.advance(5000);
    expect(suspendedSince(before, clock)).toBe(0);

    clock.stepWall(60_000);

    expect(suspendedSince(before, clock)).toBe(60_000);
  });
});
