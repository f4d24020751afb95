import { describe, expect, it } from '@jest/globals';

import {
  claimDeadline,
  deadlineOf,
  entryLease,
  renewalAt,
  renewalRetry,
} from '../../../lib/engine/store/lease.js';
import { systemClock } from '../../../lib/engine/time/clock.js';
import { RedisTime } from '../../../lib/redis/client/redis-time.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('deadlineOf', () => {
  it.each([
    [30_000, 29_650],
    [2000, 1930],
    [1000, 940],
    [500, 470],
    [100, 94],
  ])('takes 1 %% and a margin off a lease of %i ms', (lease, usable) => {
    expect(deadlineOf(5000, lease) - 5000).toBeCloseTo(usable, 6);
  });

  it('is before the end of every lease, and leaves at least nine tenths of it', () => {
    for (let lease = 100; lease < 100_000; lease *= 1.1) {
      expect(deadlineOf(0, lease)).toBeLessThan(lease);
      expect(deadlineOf(0, lease)).toBeGreaterThanOrEqual(entryLease(lease));
    }
  });
});

describe('claimDeadline', () => {
  it('is the claim’s end less the margin, while nine tenths are left', () => {
    expect(claimDeadline(11_990, 2000, 10_000)).toBe(11_940);
    expect(claimDeadline(11_851, 2000, 10_000)).toBe(11_801);
  });

  it('is none when too little is left, or nobody knows how much', () => {
    expect(claimDeadline(11_849, 2000, 10_000)).toBeUndefined();
    expect(claimDeadline(9000, 2000, 10_000)).toBeUndefined();
    expect(claimDeadline(undefined, 2000, 10_000)).toBeUndefined();
  });
});

describe('renewal', () => {
  it('is due at a third of the lease', () => {
    expect(renewalAt(1000, 30_000)).toBe(11_000);
  });

  it.each([
    [100, 100 / 6],
    [200, 200 / 6],
    [1000, 1000 / 6],
    [1500, 250],
    [3000, 250],
    [30_000, 2000],
  ])('of %i ms that failed is repeated after %d ms', (ttl, retry) => {
    expect(renewalRetry(ttl)).toBeCloseTo(retry, 6);
  });
});

describe('RedisTime', () => {
  /** Redis' clock is `offset` ahead; a request takes `out` ms to it and `back` ms from it. */
  const sampleAt = (sentAt: number, { offset = 500_000, out = 1 } = {}) => ({
    sentAt,
    redisNow: sentAt + out + offset,
  });

  it('knows nothing before the first answer', () => {
    const time = new RedisTime(systemClock);

    expect(time.toLocal(500_000, 0)).toBeUndefined();
    expect(time.toRedis(0)).toBeUndefined();
  });

  it('maps a moment of Redis early, never late', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000), 1002);

    expect(time.toLocal(501_001 + 2000, 1002)).toBeCloseTo(1000 + 1980, 6);
  });

  it('maps a moment of ours late, never early', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000), 1002);

    expect(time.toRedis(2000)).toBeGreaterThanOrEqual(502_000);
    expect(time.toRedis(2000)).toBeLessThan(502_020);
  });

  it('maps late by no more than a clock drifts in 10 s, however old the sample is', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000), 1002);

    expect(time.toRedis(1000 + 3_600_000)).toBeLessThan(500_000 + 1000 + 3_600_000 + 150);
    expect(time.toRedis(1000 + 3_600_000)).toBeGreaterThan(500_000 + 1000 + 3_600_000);
  });

  it('keeps the tightest of several samples', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000, { out: 1 }), 1002);
    time.observe(sampleAt(1100, { out: 300 }), 1401);

    expect(time.toLocal(501_401, 1401)).toBeCloseTo(1396, 3);
    expect(time.toLocal(501_401, 1401)).toBeLessThanOrEqual(1401);
  });

  it('replaces a sample by a tighter one', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000, { out: 300 }), 1301);
    time.observe(sampleAt(1400, { out: 1 }), 1402);

    expect(time.toLocal(501_402, 1402)).toBeCloseTo(1401, 0);
  });

  it('takes a new sample when the old one is 5 s old, whatever it is like', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000), 1002);
    time.observe(sampleAt(6500, { out: 40 }), 6541);

    expect(time.toLocal(6540 + 500_000, 6541)).toBeCloseTo(6500, 6);
  });

  it('does not tell by a sample of more than 10 s ago', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000), 1002);

    expect(time.toLocal(511_000, 11_000)).toBeDefined();
    expect(time.toLocal(511_001, 11_001)).toBeUndefined();
  });

  it('does not tell by a sample from before the machine was suspended, and does so by the next', () => {
    const clock = new VirtualClock();
    const time = new RedisTime(clock);
    time.observe(sampleAt(1000), 1002);

    clock.stepWall(3000);
    time.observe(sampleAt(999), 1002);
    const before = time.toLocal(501_500, 1002);
    time.observe(sampleAt(1010, { offset: 503_000 }), 1012);

    expect(before).toBeUndefined();
    expect(time.toLocal(504_011, 1012)).toBeCloseTo(1010, 1);
  });

  it('forgets everything on another connection', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000), 1002);
    time.reset();

    expect(time.toLocal(501_002, 1003)).toBeUndefined();
    expect(time.toRedis(1003)).toBeUndefined();
  });

  it('follows a server whose clock was set forward', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000), 1002);
    time.observe(sampleAt(1100, { offset: 560_000 }), 1102);

    const local = time.toLocal(560_000 + 1102, 1102);

    expect(local).toBeGreaterThan(1090);
    expect(local).toBeLessThanOrEqual(1102);
  });

  it('follows a server whose clock was set back', () => {
    const time = new RedisTime(systemClock);
    time.observe(sampleAt(1000), 1002);
    time.observe(sampleAt(1100, { offset: 440_000 }), 1102);

    expect(time.toLocal(440_000 + 1102, 1102)).toBeCloseTo(1101, 0);
  });

  it('is never late, whatever the delays and the drift (a thousand random cases)', () => {
    for (let i = 0; i < 1000; i += 1) {
      const drift = 1 + (Math.random() - 0.5) * 0.015;
      const redisAt = (local: number): number => 9e6 + local * drift;
      const time = new RedisTime(systemClock);
      let now = 1000 + Math.random() * 1e5;
      for (let j = 0; j < 10; j += 1) {
        const sentAt = now;
        const executedAt = sentAt + Math.random() * (Math.random() < 0.2 ? 400 : 3);
        now = executedAt + Math.random() * 5;
        time.observe({ sentAt, redisNow: redisAt(executedAt) }, now);
        const expiresIn = Math.random() * 2000;
        const local = time.toLocal(redisAt(now + expiresIn), now);
        if (local !== undefined) expect(local).toBeLessThanOrEqual(now + expiresIn + 0.001);
        now += Math.random() * 3000;
      }
    }
  });
});
