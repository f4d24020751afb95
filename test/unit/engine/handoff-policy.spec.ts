import { describe, expect, it } from '@jest/globals';

import {
  fencesToFetch,
  fencesToStart,
  mustRenewFirst,
  mustYield,
  wordIsOld,
} from '../../../lib/engine/hold/handoff-policy.js';
import { LeaseState } from '../../../lib/engine/hold/lease-state.js';
import type { LeaseOwner } from '../../../lib/engine/hold/lease-state.js';
import { readSettings, resolveRequest } from '../../../lib/engine/api/lock-options.check.js';
import type { LockRequest } from '../../../lib/engine/api/lock-options.js';
import { OptionReader } from '../../../lib/engine/api/option-reader.js';

const owner: LeaseOwner = { waiters: 0, places: 0, lost() {}, troubled() {}, confirmed() {} };
const settings = readSettings(new OptionReader({}));
const request = (options: object = {}): LockRequest => resolveRequest(options, settings);

/** A hold that was granted at 0 with 10 s of lease. */
function holdOf({ fences = 100, queue = 0, ttl = 10_000 } = {}): LeaseState {
  return new LeaseState('k', 'token', owner, ttl, {
    sentAt: 0,
    lease: ttl,
    deadline: ttl,
    fences: { next: 1, last: fences },
    mintedAt: 0,
    queue,
  });
}

describe('a turn of this process', () => {
  it('does not end while nobody else waits', () => {
    const hold = holdOf();
    hold.passes = 1000;

    expect(mustYield(hold, settings, 5000)).toBe(false);
  });

  it('ends 25 ms after another process began to wait', () => {
    const hold = holdOf();
    hold.heard(1, 100);

    expect(mustYield(hold, settings, 124)).toBe(false);
    expect(mustYield(hold, settings, 125)).toBe(true);
  });

  it('ends 25 ms after it began where other libraries use the same keys', () => {
    const coexisting = { ...settings, coexist: true };

    expect(mustYield(holdOf(), coexisting, 24)).toBe(false);
    expect(mustYield(holdOf(), coexisting, 25)).toBe(true);
  });

  it('ends after localHandoffs hand-overs, counted since then', () => {
    const hold = holdOf();
    hold.heard(1, 100);
    hold.passes = 15;
    expect(mustYield(hold, settings, 101)).toBe(false);
    hold.passes = 16;
    expect(mustYield(hold, settings, 101)).toBe(true);
    expect(mustYield(holdOf({ queue: 1 }), { ...settings, localHandoffs: 0 }, 0)).toBe(true);
  });

  it('begins anew when the other has gone', () => {
    const hold = holdOf();
    hold.heard(1, 100);
    hold.passes = 16;
    hold.heard(0, 110);

    expect(mustYield(hold, settings, 200)).toBe(false);
    hold.heard(2, 210);
    expect(mustYield(hold, settings, 211)).toBe(false);
  });

  it('is not prolonged by an answer that is older than the word that somebody waits', () => {
    const hold = holdOf();
    hold.heard(1, 100);
    hold.heard(0, 90);

    expect(mustYield(hold, settings, 130)).toBe(true);
  });
});

describe('a lock that was free', () => {
  it('needs no other word from Redis for the caller that it was asked for', () => {
    for (const renew of [true, false])
      expect(mustRenewFirst(holdOf(), request({ ttl: 10_000, renew }), 'free', 5000)).toBe(false);
  });

  it('needs one for a caller with another lease when too little is left, or that is not renewed', () => {
    expect(mustRenewFirst(holdOf(), request({ ttl: 30_000 }), 'free', 5000)).toBe(false);
    expect(mustRenewFirst(holdOf(), request({ ttl: 30_000 }), 'free', 9000)).toBe(true);
    expect(mustRenewFirst(holdOf(), request({ ttl: 30_000, renew: false }), 'free', 0)).toBe(true);
  });
});

describe('a hand-over in this process', () => {
  it('needs no word from Redis while lease and fencing numbers last', () => {
    expect(mustRenewFirst(holdOf(), request({ ttl: 10_000 }), 'local', 900)).toBe(false);
  });

  it('needs one for a fencing number', () => {
    const hold = holdOf({ fences: 1 });
    hold.takeFence();

    for (const via of ['free', 'local', 'handoff'] as const)
      expect(mustRenewFirst(hold, request(), via, 0)).toBe(true);
  });

  it('needs one when less than nine tenths of a claim are left', () => {
    const hold = holdOf();
    hold.heard(1, 8000);

    expect(mustRenewFirst(hold, request({ ttl: 10_000 }), 'local', 8199)).toBe(false);
    expect(mustRenewFirst(hold, request({ ttl: 10_000 }), 'local', 8201)).toBe(true);
  });

  it('needs one for a caller whose longer lease is less than a third there', () => {
    const hold = holdOf();

    expect(mustRenewFirst(hold, request({ ttl: 29_000 }), 'local', 100)).toBe(false);
    expect(mustRenewFirst(hold, request({ ttl: 30_000 }), 'local', 100)).toBe(true);
  });

  it('needs one for a caller without renewal: its whole lease', () => {
    expect(mustRenewFirst(holdOf(), request({ renew: false }), 'local', 0)).toBe(true);
  });

  it('needs one when nobody knows for a second whether others wait', () => {
    const hold = holdOf();

    expect(mustRenewFirst(hold, request({ ttl: 10_000 }), 'local', 1000)).toBe(false);
    expect(mustRenewFirst(hold, request({ ttl: 10_000 }), 'local', 1001)).toBe(true);
    expect(wordIsOld(hold, 500)).toBe(false);
    expect(wordIsOld(hold, 501)).toBe(true);
    hold.heard(0, 1000);
    expect(mustRenewFirst(hold, request({ ttl: 10_000 }), 'local', 1001)).toBe(false);
  });
});

describe('fencing numbers', () => {
  it('are asked for one by one for a single caller', () => {
    expect(fencesToStart(1, 16)).toBe(1);
    expect(fencesToStart(2, 16)).toBe(17);
    expect(fencesToStart(2, 0)).toBe(1);
    expect(fencesToStart(500, 1000)).toBe(17);
  });

  it('are fetched before they run out, and not again while half of them last', () => {
    const hold = holdOf({ fences: 1 });
    hold.takeFence();
    expect(fencesToFetch(hold, 1, 16)).toBe(17);
    hold.confirm(0, 10_000, { next: 101, last: 117 });
    for (let i = 0; i < 9; i += 1) {
      expect(fencesToFetch(hold, 40, 16)).toBe(0);
      hold.takeFence();
    }
    hold.takeFence();
    expect(fencesToFetch(hold, 40, 16)).toBe(40);
    expect(fencesToFetch(hold, 5, 16)).toBe(0);
  });

  it('are fetched as many as were used, up to a thousand: what is not used is little', () => {
    const hold = holdOf({ fences: 5000 });
    for (let i = 0; i < 4999; i += 1) hold.takeFence();

    expect(fencesToFetch(hold, 10, 16)).toBe(1000);
    const fewer = holdOf({ fences: 200 });
    for (let i = 0; i < 199; i += 1) fewer.takeFence();
    expect(fencesToFetch(fewer, 10, 16)).toBe(199);
  });

  it('are fetched for the rest of the turn only, when another process waits', () => {
    const hold = holdOf({ fences: 300, queue: 1 });
    for (let i = 0; i < 300; i += 1) hold.takeFence();

    expect(fencesToFetch(hold, 400, 16)).toBe(17);
    hold.passes = 16;
    expect(fencesToFetch(hold, 400, 16)).toBe(0);
  });

  it('of a newer block replace what is left of the older one', () => {
    const hold = holdOf({ fences: 3 });
    expect(hold.takeFence()).toBe(1);
    hold.confirm(0, 10_000, { next: 50, last: 51 });
    expect([hold.takeFence(), hold.takeFence()]).toEqual([50, 51]);
    expect(hold.fencesLeft).toBe(0);
    hold.confirm(0, 10_000, { next: 0, last: -1 });
    expect(hold.fencesLeft).toBe(0);
  });
});
