import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { Processes } from './processes.js';
import type { Process } from './processes.js';

const TTL = 30_000;
const ASLEEP = 60_000;
/** The clocks are compared once a second: half a second after the step. */
const NOTICED = 501;

describe('a holder whose wall clock ran ahead of the monotonic one', () => {
  let processes: Processes;
  let a: Process;
  let lock: Lock;
  let lost: unknown[];

  beforeEach(async () => {
    processes = new Processes();
    a = processes.open();
    lost = [];
    a.manager.events.on('lost', (event) => lost.push(event));
    lock = await a.manager.acquire('k', { ttl: TTL });
    await processes.clock.advance(2500);
    a.store.log.length = 0;
  });

  it('counts its lease as shorter by that, until Redis has answered', async () => {
    a.store.onRenew = async (_, next) => {
      await processes.after(300);
      return next();
    };

    processes.clock.stepWall(10_000);
    const before = lock.remainingMs;
    await processes.clock.advance(NOTICED);

    expect(a.store.log).toEqual(['renew']);
    expect(lock.remainingMs).toBeCloseTo(before - NOTICED - 10_000, 0);
    await processes.clock.advance(300);
    expect(lock.remainingMs).toBeGreaterThan(TTL - 1000);
  });

  it('is not blamed for a step from before it held anything', async () => {
    await lock.release();
    processes.clock.stepWall(ASLEEP);

    const next = await a.manager.acquire('k', { ttl: TTL, renew: false });
    const before = next.remainingMs;
    await processes.clock.advance(2 * NOTICED);

    expect(next.remainingMs).toBeCloseTo(before - 2 * NOTICED, 0);
    expect(lost).toEqual([]);
  });

  it('may not rely on the lock while the answer is due, though it is not lost yet', async () => {
    a.store.onRenew = async (_, next) => {
      await processes.after(300);
      return next();
    };

    processes.clock.stepWall(ASLEEP);
    await processes.clock.advance(NOTICED);

    expect(lock.remainingMs).toBe(0);
    expect(lock.signal.aborted).toBe(false);
    await processes.clock.advance(300);
    expect(lock.remainingMs).toBeGreaterThan(TTL - 1000);
    expect(lost).toEqual([]);
  });

  it('goes on when Redis says that the lock is still its own: the clock was set', async () => {
    processes.clock.stepWall(ASLEEP);
    await processes.clock.advance(NOTICED);

    expect(a.store.log).toEqual(['renew']);
    lock.assertHeld();
    expect(lock.signal.aborted).toBe(false);
    expect(await lock.release()).toBe('released');
  });

  it('is told of the loss at once when Redis says so: the machine was suspended (F20)', async () => {
    const b = processes.open();
    processes.space.free('k');
    const other = await b.manager.acquire('k');

    processes.clock.stepWall(ASLEEP);
    await processes.clock.advance(NOTICED);

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    expect(lost).toHaveLength(1);
    other.assertHeld();
  });

  it('is told of the loss when Redis does not answer within the timeout of a command', async () => {
    a.store.onRenew = () => Promise.reject(new LockUnavailableError(['k'], 'silent.'));

    processes.clock.stepWall(ASLEEP);
    await processes.clock.advance(NOTICED + a.manager.settings.commandTimeout);

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    expect(lost).toHaveLength(1);
  });
});
