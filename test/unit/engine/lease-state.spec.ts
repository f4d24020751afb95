import { describe, expect, it } from '@jest/globals';

import { LeaseState } from '../../../lib/engine/hold/lease-state.js';
import type { LeaseOwner } from '../../../lib/engine/hold/lease-state.js';

const owner: LeaseOwner = {
  places: 0,
  waiters: 2,
  lost: () => undefined,
  troubled: () => undefined,
  confirmed: () => undefined,
};

function holdOf(fences: { next: number; last: number }): LeaseState {
  const terms = { sentAt: 0, lease: 1000, deadline: 940, fences, mintedAt: 0, queue: 0 };
  return new LeaseState('k', 't', owner, 1000, terms);
}

describe('a hold whose renewals are answered out of order', () => {
  it('gives no number below one that it gave before (I2)', () => {
    const hold = holdOf({ next: 1, last: 1 });
    const given = [hold.takeFence()];

    hold.confirm(20, 1000, { next: 200, last: 216 });
    given.push(hold.takeFence());
    hold.confirm(10, 1000, { next: 100, last: 116 });
    given.push(hold.takeFence());

    expect(given).toEqual([1, 200, 201]);
  });

  it('is confirmed when the later one says so', () => {
    const hold = holdOf({ next: 1, last: 1 });
    hold.confirm(400, 30_000, { next: 0, last: -1 });
    const { deadline, renewAt } = hold;

    hold.confirm(300, 1000, { next: 0, last: -1 });

    expect(hold).toMatchObject({ deadline, renewAt, lease: 30_000 });
  });

  it('takes the numbers of a later renewal, and keeps its own when that brings none', () => {
    const hold = holdOf({ next: 1, last: 3 });

    hold.confirm(10, 1000, { next: 0, last: -1 });
    expect(hold.fencesLeft).toBe(3);
    hold.confirm(20, 1000, { next: 7, last: 8 });

    expect(hold.takeFence()).toBe(7);
  });
});
