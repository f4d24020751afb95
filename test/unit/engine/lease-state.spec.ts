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

  it('takes a single number, none of an empty block, and no number that it has', () => {
    const hold = holdOf({ next: 1, last: 3 });

    hold.confirm(10, 1000, { next: 50, last: 49 });
    expect(hold.fencesLeft).toBe(3);
    hold.confirm(20, 1000, { next: 3, last: 9 });
    expect(hold.fencesLeft).toBe(3);
    hold.confirm(30, 1000, { next: 7, last: 7 });

    expect(hold.fencesLeft).toBe(1);
    expect(hold.takeFence()).toBe(7);
  });
});

describe('what callers ask of a lease', () => {
  it('is what the only one asks', () => {
    const hold = holdOf({ next: 1, last: 3 });
    expect(hold.keys).toEqual(['k']);

    expect(hold.serve({ ttl: 5000, renew: true }, false)).toBe(false);
    expect(hold).toMatchObject({ ttl: 5000, renews: true });
    expect(hold.serve({ ttl: 2000, renew: false }, false)).toBe(true);
    expect(hold).toMatchObject({ ttl: 2000, renews: false });
    expect(hold.serve({ ttl: 3000, renew: false }, false)).toBe(false);
    expect(hold).toMatchObject({ ttl: 3000, renews: false });
  });

  it('is the longest of several, renewed as soon as one wants it', () => {
    const hold = holdOf({ next: 1, last: 3 });
    hold.serve({ ttl: 5000, renew: false }, false);

    expect(hold.serve({ ttl: 2000, renew: false }, true)).toBe(false);
    expect(hold).toMatchObject({ ttl: 5000, renews: false });
    expect(hold.serve({ ttl: 9000, renew: true }, true)).toBe(true);
    expect(hold).toMatchObject({ ttl: 9000, renews: true });
    expect(hold.serve({ ttl: 2000, renew: false }, true)).toBe(false);
    expect(hold).toMatchObject({ ttl: 9000, renews: true });
  });
});

describe('numbers up to one that was skipped', () => {
  it('are given to nobody, whatever comes later', () => {
    const hold = holdOf({ next: 1, last: 20 });
    hold.skipFences(7);
    expect(hold.takeFence()).toBe(8);
    hold.skipFences(3);
    expect(hold.takeFence()).toBe(9);

    hold.skipFences(200);
    expect(hold.fencesLeft).toBe(0);
    hold.confirm(10, 1000, { next: 150, last: 160 });
    expect(hold.fencesLeft).toBe(0);
    hold.confirm(20, 1000, { next: 195, last: 210 });
    expect(hold.takeFence()).toBe(201);
    hold.confirm(30, 1000, { next: 301, last: 310 });
    expect(hold.takeFence()).toBe(301);
  });
});

describe('the queue that is heard of', () => {
  it('tells since when others wait, until a later word says that nobody does', () => {
    const hold = holdOf({ next: 1, last: 3 });
    hold.heard(1, 100);
    hold.heard(2, 200);
    hold.passes = 3;
    expect(hold).toMatchObject({ contendedSince: 100, heardAt: 200, passes: 3 });

    hold.heard(0, 50);
    expect(hold).toMatchObject({ contendedSince: 100, heardAt: 200, passes: 3 });
    hold.heard(0, 100);
    expect(hold).toMatchObject({ contendedSince: undefined, heardAt: 200, passes: 0 });
  });

  it('is not that of this process itself', () => {
    const hold = new LeaseState('k', 't', { ...owner, places: 2 }, 1000, {
      sentAt: 0,
      lease: 1000,
      deadline: 940,
      fences: { next: 1, last: 1 },
      mintedAt: 0,
      queue: 2,
    });
    expect(hold.contendedSince).toBeUndefined();

    hold.heard(3, 100);
    expect(hold.contendedSince).toBe(100);
  });
});

describe('what is left of a lease', () => {
  it('is not known while a renewal fails or is overdue, or was confirmed too long ago', () => {
    const hold = holdOf({ next: 1, last: 1 });
    expect(hold.confirmedLeft(100, 1000, 100)).toBe(840);
    expect(hold.confirmedLeft(101, 1000, 100)).toBeUndefined();

    hold.pendingSince = 100;
    expect(hold.confirmedLeft(350, 1000, Infinity)).toBe(590);
    expect(hold.confirmedLeft(351, 1000, Infinity)).toBeUndefined();

    hold.troubled = true;
    hold.trouble = new Error('silent');
    expect(hold.confirmedLeft(100, 1000, Infinity)).toBeUndefined();
    hold.confirm(400, 1000, { next: 0, last: -1 });
    expect(hold).toMatchObject({ troubled: false, trouble: undefined, pendingSince: undefined });
    expect(hold.confirmedLeft(400, 1000, Infinity)).toBe(940);
  });

  it('never gets less by a confirmation', () => {
    const hold = holdOf({ next: 1, last: 1 });

    expect(hold.confirm(0, 500, { next: 0, last: -1 })).toBe(false);
    expect(hold).toMatchObject({ deadline: 940, lease: 500, confirmedAt: 0 });
    expect(hold.confirm(10, 1000, { next: 0, last: -1 })).toBe(true);
    expect(hold).toMatchObject({ deadline: 950, lease: 1000, confirmedAt: 10 });
  });
});
