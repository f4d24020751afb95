import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

describe('a caller with a longer ttl than the lease that is passed on to it', () => {
  let processes: Processes;
  let a: Process;

  beforeEach(() => {
    processes = new Processes();
    a = processes.open();
  });

  it('enters when its own lease is confirmed, not before', async () => {
    const { clock } = processes;
    const first = await a.manager.acquire('k', { ttl: 5000 });
    const next = new Call(a.manager, { ttl: 60_000 });
    await clock.advance(10);
    let asked: number | undefined;
    a.store.onRenew = async (commands, run) => {
      asked = commands[0]?.ttl;
      await processes.after(200);
      return run();
    };

    await first.release();
    await clock.advance(100);
    expect(asked).toBe(60_000);
    expect(next.lock).toBeUndefined();
    await clock.advance(200);

    expect(next.lock?.remainingMs).toBeGreaterThan(58_000);
    expect(processes.space.holder('k')!.expiresAt - clock.now()).toBeGreaterThan(58_000);
  });

  it('enters at once when a third of its own ttl is left', async () => {
    const { clock } = processes;
    const first = await a.manager.acquire('k', { ttl: 5000 });
    const next = new Call(a.manager, { ttl: 10_000 });
    await clock.advance(10);
    a.store.log.length = 0;

    await first.release();
    await clock.advance(0);

    expect(next.lock?.remainingMs).toBeGreaterThan(10_000 / 3);
    expect(a.store.log).toEqual([]);
  });

  it('is served by a new request when its lease could not be confirmed', async () => {
    const { clock } = processes;
    const first = await a.manager.acquire('k', { ttl: 5000 });
    const next = new Call(a.manager, { ttl: 60_000 });
    await clock.advance(10);
    a.store.onRenew = () => Promise.reject(new LockUnavailableError(['k'], 'silent.'));

    await first.release();
    await clock.advance(500);

    expect(next.lock?.remainingMs).toBeGreaterThan(58_000);
    expect(next.lock?.fencingToken).toBeGreaterThan(first.fencingToken);
  });
});
