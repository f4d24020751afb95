import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

describe('the rest of a minHold', () => {
  let processes: Processes;
  let a: Process;
  let b: Process;

  beforeEach(() => {
    processes = new Processes();
    a = processes.open({ shutdownTimeout: 100 });
    b = processes.open();
  });

  /** Nobody holds the lock and nobody gets it until `ms` have passed; then who waits has it at once. */
  async function expectLockedFor(ms: number): Promise<void> {
    const call = new Call(b.manager, { wait: 60_000 });
    await processes.clock.advance(ms - 5);
    expect(processes.space.holder('k')).toMatchObject({ token: expect.stringMatching(/^~/) });
    expect(call.lock).toBeUndefined();
    await processes.clock.advance(10);
    expect(call.lock).toBeDefined();
  }

  it('stands when maxHold ends the hold before it', async () => {
    const lock = await a.manager.acquire('k', { minHold: 5000, maxHold: 1000 });
    await processes.clock.advance(1000);

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    await expectLockedFor(4000);
  });

  it('stands when maxHold ends the hold before it, for callers of the same process', async () => {
    await a.manager.acquire('k', { minHold: 5000, maxHold: 1000 });
    const call = new Call(a.manager, { wait: 60_000 });
    await processes.clock.advance(4990);

    expect(call.lock).toBeUndefined();
    await processes.clock.advance(20);
    expect(call.lock).toBeDefined();
  });

  it('is over when maxHold comes after it', async () => {
    await a.manager.acquire('k', { minHold: 500, maxHold: 1000 });
    const call = new Call(b.manager);
    await processes.clock.advance(1001);

    expect(call.lock).toBeDefined();
  });

  it('stands when a shutdown takes the lock from its holder', async () => {
    const lock = await a.manager.acquire('k', { minHold: 5000 });
    const closed = a.manager.close();
    await processes.clock.advance(100);
    await closed;

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    await expectLockedFor(4900);
  });

  it('stands when the holder ends while the application is closing', async () => {
    const lock = await a.manager.acquire('k', { minHold: 5000 });
    const closed = a.manager.close();
    await processes.clock.advance(50);
    expect(await lock.release()).toBe('released');
    await closed;

    await expectLockedFor(4950);
  });

  it('stands when the call that wanted it had re-entered the lock', async () => {
    await a.manager.withLock('k', async () => {
      await processes.clock.advance(1000);
      await a.manager.withLock('k', () => {}, { minHold: 5000 });
      await a.manager.withLock('k', () => {}, { minHold: 3000 });
    });

    await expectLockedFor(5000);
  });

  it('stands when the call that wanted it had re-entered one of several keys', async () => {
    await a.manager.withLock(['j', 'k'], () =>
      a.manager.withLock(['k', 'l'], () => {}, { minHold: 5000 }),
    );

    expect(await a.manager.tryAcquire('j')).not.toBeNull();
    expect(await a.manager.tryAcquire('l')).toBeNull();
    await expectLockedFor(5000);
  });

  it('does not hold up the shutdown', async () => {
    const patient = processes.open({ shutdownTimeout: 60_000 });
    await patient.manager.withLock('k', () => {}, { minHold: 5000 });
    let closed = false;
    void patient.manager.close().then(() => (closed = true));
    await processes.clock.advance(1);

    expect(closed).toBe(true);
    await expectLockedFor(4999);
  });

  it('stands though its release had to be repeated', async () => {
    a.store.onRelease = () => Promise.reject(new LockUnavailableError(['k'], 'silent.'));
    const lock = await a.manager.acquire('k', { minHold: 5000 });
    await expect(lock.release()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    a.store.onRelease = (_, next) => next();
    await processes.clock.advance(1000);

    expect(processes.space.holder('k')).toMatchObject({ token: expect.stringMatching(/^~/) });
    const call = new Call(b.manager, { wait: 60_000 });
    await processes.clock.advance(3900);
    expect(call.lock).toBeUndefined();
    await processes.clock.advance(5000);
    expect(call.lock).toBeDefined();
  });
});
