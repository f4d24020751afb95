import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockTimeoutError, LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { NotAppliedError } from '../../../lib/engine/store/lock-store.js';
import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

const COMMAND_TIMEOUT = 1000;
const down = (): Promise<never> => Promise.reject(new NotAppliedError(['k'], 'it is down.'));

const up = <Reply>(_: unknown, run: () => Promise<Reply>): Promise<Reply> => run();

let processes: Processes;
let a: Process;

beforeEach(() => {
  processes = new Processes();
  a = processes.open({ commandTimeout: COMMAND_TIMEOUT });
});

/** The outcome of a call with `wait: 0`, and when it settled. */
async function oneTry(within: number): Promise<{ call: Call; ms: number }> {
  const startedAt = processes.clock.now();
  let ms = Infinity;
  const call = new Call(a.manager, { wait: 0 });
  void call.settled.then(() => (ms = processes.clock.now() - startedAt));
  await processes.clock.advance(within);
  return { call, ms };
}

describe('a call that takes one try', () => {
  it('is not told *busy* where its caller aborts it with the error of another call', async () => {
    const reason = new LockTimeoutError(['other'], 'other', 0);
    for (const key of ['free', ['free', 'too']]) {
      const free = a.manager.tryAcquire(key, { signal: AbortSignal.abort(reason) });

      await expect(free).rejects.toBe(reason);
    }
  });

  it('goes on trying while Redis fails, and gets the lock', async () => {
    a.store.onAcquire = down;
    void processes.after(280).then(() => (a.store.onAcquire = up));

    const { call, ms } = await oneTry(COMMAND_TIMEOUT);

    expect(call.lock).toBeDefined();
    expect(ms).toBeLessThan(800);
  });

  it('is unavailable after `commandTimeout` when Redis goes on failing, with the reason', async () => {
    a.store.onAcquire = down;

    const { call, ms } = await oneTry(2 * COMMAND_TIMEOUT);

    expect(call.error).toMatchObject({ code: 'LOCK_UNAVAILABLE', message: /it is down/ });
    expect(ms).toBeGreaterThanOrEqual(COMMAND_TIMEOUT);
    expect(ms).toBeLessThanOrEqual(COMMAND_TIMEOUT + 150);
  });

  it('is busy as soon as Redis says so, after failures', async () => {
    const b = processes.open();
    await b.manager.acquire('k');
    a.store.onAcquire = down;
    void processes.after(100).then(() => (a.store.onAcquire = up));

    const { call } = await oneTry(COMMAND_TIMEOUT);

    expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
  });
});

describe('a lock that another caller of this process holds', () => {
  let lock: Lock;

  beforeEach(async () => {
    lock = await a.manager.acquire('k', { ttl: 30_000 });
  });

  it('is busy for a call that takes one try, without a question when Redis has just said so', async () => {
    await processes.clock.advance(900);
    a.store.log.length = 0;

    expect(await a.manager.tryAcquire('k')).toBeNull();
    expect(a.store.log).toEqual([]);
  });

  it('is busy once Redis has confirmed it, when the last word is older than a second', async () => {
    await processes.clock.advance(1100);
    a.store.log.length = 0;

    const { call } = await oneTry(1);

    expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT', waitedMs: 0 });
    expect(a.store.log).toEqual(['renew']);
    lock.assertHeld();
  });

  it('is taken by a call that takes one try, when the data are gone', async () => {
    await processes.clock.advance(1100);
    processes.space.free('k');

    const { call } = await oneTry(1);

    expect(call.lock?.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
  });

  it('of which the lease is not renewed stays as long as it was, when it is asked about', async () => {
    await lock.release();
    lock = await a.manager.acquire('k', { ttl: 30_000, renew: false });
    await processes.clock.advance(10_000);
    const { remainingMs } = lock;
    const renewed: unknown[] = [];
    a.manager.events.on('renewed', (event) => renewed.push(event));

    const { call } = await oneTry(1);

    expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(lock.remainingMs).toBeCloseTo(remainingMs - 1, 0);
    expect(renewed).toEqual([]);
  });

  it.each([true, false])(
    'is unavailable to a call that takes one try while Redis fails, renew: %s',
    async (renew) => {
      await lock.release();
      await a.manager.acquire('k', { ttl: 30_000, renew });
      await processes.clock.advance(1100);
      a.store.onRenew = down;

      const { call, ms } = await oneTry(2 * COMMAND_TIMEOUT);

      expect(call.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
      expect(ms).toBeLessThanOrEqual(COMMAND_TIMEOUT + 150);
    },
  );

  it('is busy after an outage, as soon as Redis answers again', async () => {
    await processes.clock.advance(1100);
    a.store.onRenew = down;
    void processes.after(200).then(() => (a.store.onRenew = up));

    const { call, ms } = await oneTry(COMMAND_TIMEOUT);

    expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(ms).toBeLessThan(800);
  });

  it('is unavailable at once when the connection is known to be gone', async () => {
    a.store.onRenew = down;
    a.store.listener?.unreachable({ nodes: ['redis:6379'], cause: undefined });
    const waiting = new Call(a.manager, { wait: 300 });
    const { call } = await oneTry(2 * COMMAND_TIMEOUT);

    expect(call.error).toMatchObject({ code: 'LOCK_UNAVAILABLE', nodes: ['redis:6379'] });
    expect(waiting.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  it('is unavailable to a waiter whose question is overdue', async () => {
    await processes.clock.advance(1100);
    a.store.onRenew = () => processes.after(5000).then(() => []);
    const waiting = new Call(a.manager, { wait: 600 });
    await processes.clock.advance(601);

    expect(waiting.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });
});

describe('a release of a holder that has to yield', () => {
  it('answers within one `commandTimeout`, when Redis hangs', async () => {
    const b = processes.open();
    const lock = await a.manager.acquire('k');
    const [here, there] = [new Call(a.manager), new Call(b.manager)];
    await processes.clock.advance(100);
    const hang = async (): Promise<never> => {
      await processes.after(COMMAND_TIMEOUT);
      throw new LockUnavailableError(['k'], 'silent.');
    };
    a.store.onAcquire = hang;
    a.store.onRelease = hang;
    const startedAt = processes.clock.now();
    let ms = Infinity;
    const released = lock.release().finally(() => (ms = processes.clock.now() - startedAt));
    const rejected = expect(released).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await processes.clock.advance(2 * COMMAND_TIMEOUT);
    await rejected;

    expect(ms).toBeLessThanOrEqual(COMMAND_TIMEOUT + 1);
    expect([here.lock, there.lock]).toEqual([undefined, undefined]);
  });

  it('is released by itself, when the joint command is refused', async () => {
    const b = processes.open();
    const lock = await a.manager.acquire('k');
    const there = new Call(b.manager);
    const here = new Call(a.manager);
    await processes.clock.advance(100);
    a.store.onAcquire = down;
    const released = lock.release();
    await processes.clock.advance(1);

    expect(await released).toBe('released');
    expect(there.lock).toBeDefined();
    expect(here.lock).toBeUndefined();
  });
});
