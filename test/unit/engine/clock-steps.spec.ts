import { beforeEach, describe, expect, it } from '@jest/globals';

import { type LockError, LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { Call, Processes } from './processes.js';
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

  it('passes the lock to nobody on a lease that may be over, however soon after it gives it up', async () => {
    const next = new Call(a.manager, { ttl: TTL });
    // Redis has just told that nobody else waits, and reserved a fencing number for the next.
    await processes.clock.advance(10);
    const b = processes.open();
    processes.space.free('k');
    const other = await b.manager.acquire('k', { ttl: 10 * TTL });

    processes.clock.stepWall(ASLEEP);
    const released = lock.release();
    await processes.clock.advance(NOTICED);

    expect(next.lock).toBeUndefined();
    await released;
    await other.release();
    await processes.clock.advance(100);
    expect(next.lock!.fencingToken).toBeGreaterThan(other.fencingToken);
  });

  it('lets no reader in beside others on a lease that may be over', async () => {
    await lock.release();
    const reader = await a.manager.acquire('k', { mode: 'shared', ttl: TTL });
    processes.space.free('k');
    const writer = await processes.open().manager.acquire('k', { ttl: 10 * TTL });

    processes.clock.stepWall(ASLEEP);
    const second = new Call(a.manager, { mode: 'shared', ttl: TTL });
    await processes.clock.advance(NOTICED);

    expect(second.lock).toBeUndefined();
    expect(reader.signal.aborted).toBe(true);
    await writer.release();
    await processes.clock.advance(100);
    expect(second.lock).toBeDefined();
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

  it('does not take heart from a renewal that was answered before the machine was suspended', async () => {
    a.store.onRenew = async (_, next) => {
      const reply = await next();
      await processes.after(300);
      return reply;
    };
    while (a.store.log.length === 0) await processes.clock.advance(50);

    processes.clock.stepWall(ASLEEP);
    a.store.onRenew = () => processes.after(5000).then(() => []);
    await processes.clock.advance(300);

    expect(lock.remainingMs).toBe(0);
    await processes.clock.advance(a.manager.settings.commandTimeout);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
  });

  it('that asked to extend it before the suspension is told that it is not extended', async () => {
    a.store.onRenew = async (_, next) => {
      const reply = await next();
      await processes.after(300);
      return reply;
    };
    const extended = expect(lock.extend()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await processes.clock.advance(100);
    processes.clock.stepWall(10_000);
    await processes.clock.advance(300);

    await extended;
  });
});

describe('a caller whose lock was given before the machine was suspended', () => {
  it('does not start on an answer that was on its way', async () => {
    const processes = new Processes();
    const [a, b] = [processes.open(), processes.open()];
    a.store.onAcquire = async (_, next) => {
      const reply = await next();
      await processes.after(300);
      return reply;
    };
    const call = new Call(a.manager, { ttl: TTL, wait: 60_000 });
    await processes.clock.advance(100);
    processes.space.free('k');
    const other = await b.manager.acquire('k');
    processes.clock.stepWall(ASLEEP);
    await processes.clock.advance(2000);

    expect(call.lock).toBeUndefined();
    await other.release();
    await processes.clock.advance(5000);
    expect(call.lock?.fencingToken).toBeGreaterThan(other.fencingToken);
  });

  it('does not go on with a lock that it attached by an answer that was on its way', async () => {
    const processes = new Processes();
    const [a, b] = [processes.open(), processes.open()];
    const ticket = await (await b.manager.acquire('k', { ttl: TTL })).detach();
    a.store.onMove = async (_, next) => {
      const reply = await next();
      await processes.after(300);
      return reply;
    };
    const attached = a.manager.attach(ticket).then(
      () => 'attached',
      (error: LockError) => error.code,
    );
    await processes.clock.advance(100);
    processes.space.free('k');
    const other = await b.manager.acquire('k');
    processes.clock.stepWall(ASLEEP);
    await processes.clock.advance(5000);

    expect(await attached).toBe('LOCK_LOST');
    other.assertHeld();
  });

  it('does not start on a grant that was on its way: it asks', async () => {
    const processes = new Processes();
    const [a, b, c] = [processes.open(), processes.open(), processes.open()];
    const lock = await b.manager.acquire('k');
    const late: (() => void)[] = [];
    a.store.onGrant = (grant) => {
      late.push(() => a.store.listener?.granted(grant));
      return undefined;
    };
    const call = new Call(a.manager, { ttl: TTL, wait: 60_000 });
    await processes.clock.advance(100);
    await lock.release();
    await processes.clock.advance(1);
    processes.space.free('k');
    const other = await c.manager.acquire('k');
    processes.clock.stepWall(ASLEEP);
    for (const push of late) push();
    await processes.clock.advance(50);

    expect(call.lock).toBeUndefined();
    other.assertHeld();
  });
});
