import { beforeEach, describe, expect, it } from '@jest/globals';

import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

describe('a listener that takes its time as the lock passes on inside a process', () => {
  let processes: Processes;
  let a: Process;

  beforeEach(() => {
    processes = new Processes();
    a = processes.open();
  });

  /** The first caller releases, and a listener of that keeps the process busy. */
  async function passOn(ttl: number, minHold: number, busyMs: number) {
    const first = await a.manager.acquire('k', { ttl });
    const second = new Call(a.manager, { ttl, minHold });
    // Its fencing number is fetched meanwhile.
    await processes.clock.advance(0);
    let leftAtEntry = 0;
    void second.settled.then(() => (leftAtEntry = second.lock?.remainingMs ?? 0));
    a.manager.events.once('released', () => processes.clock.block(busyMs));
    await first.release();
    await processes.clock.advance(0);
    return { lock: second.lock, leftAtEntry };
  }

  it('lets nobody enter on what is then left of the lease', async () => {
    const { leftAtEntry } = await passOn(2200, 0, 1000);

    expect(leftAtEntry).toBeGreaterThan(0.9 * 2000);
  });

  it('does not count for the minHold of the next caller', async () => {
    const { lock } = await passOn(5000, 300, 200);

    await lock?.release();

    await processes.clock.advance(295);
    expect(processes.space.holder('k')).toBeDefined();
  });
});
