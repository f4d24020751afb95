import { beforeEach, describe, expect, it } from '@jest/globals';

import { Processes } from './processes.js';
import type { Process } from './processes.js';

const TTL = 30_000;
/** A renewal may go out so much before its moment, to share a command with others: ttl / 32, at most. */
const GRAIN = TTL / 32;

describe('renewals of many locks of one process', () => {
  let processes: Processes;
  let a: Process;
  /** When each key was renewed, and how many renewals each command carried. */
  let renewedAt: Map<string, number[]>;
  let sizes: number[];

  beforeEach(() => {
    processes = new Processes();
    a = processes.open();
    renewedAt = new Map();
    sizes = [];
    a.store.onRenew = (commands, next) => {
      sizes.push(commands.length);
      for (const { key } of commands) {
        const at = renewedAt.get(key) ?? [];
        renewedAt.set(key, [...at, processes.clock.now()]);
      }
      return next();
    };
  });

  /** Takes `count` locks, one every `each` ms; returns when each was taken. */
  async function take(count: number, each: number): Promise<Map<string, number>> {
    const takenAt = new Map<string, number>();
    for (let i = 0; i < count; i += 1) {
      takenAt.set(`k${i}`, processes.clock.now());
      await a.manager.acquire(`k${i}`, { ttl: TTL });
      await processes.clock.advance(each);
    }
    return takenAt;
  }

  it('come at a third of each lease: never later, and earlier by the grain at most', async () => {
    const takenAt = await take(200, 37);
    await processes.clock.advance(2 * TTL);

    for (const [key, taken] of takenAt) {
      let before = taken;
      for (const at of renewedAt.get(key) ?? []) {
        expect(at - before).toBeLessThanOrEqual(TTL / 3 + 1);
        expect(at - before).toBeGreaterThan(TTL / 3 - GRAIN);
        before = at;
      }
      expect(renewedAt.get(key)?.length).toBeGreaterThanOrEqual(5);
    }
  });

  it('go out together when they are due within one grain: a few commands for hundreds', async () => {
    await take(300, 10);
    await processes.clock.advance(TTL / 3);

    expect(sizes.reduce((sum, size) => sum + size)).toBe(300);
    // Three seconds of locks are due in as many grains of half a second or more.
    expect(sizes.length).toBeLessThanOrEqual(7);
  });

  it('of short leases beside long ones are not held back by them', async () => {
    await take(50, 10);
    const short = await a.manager.acquire('short', { ttl: 300 });
    await processes.clock.advance(3000);

    short.assertHeld();
    const at = renewedAt.get('short') ?? [];
    for (const [i, moment] of at.slice(1).entries())
      expect(moment - at[i]!).toBeLessThanOrEqual(100 + 1);
    expect(at.length).toBeGreaterThanOrEqual(30);
  });
});
