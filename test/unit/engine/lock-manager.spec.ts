import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { NotAppliedError } from '../../../lib/engine/store/lock-store.js';
import type { MemorySpace } from '../../../lib/memory/memory-space.js';
import { timed } from '../../support/timed.js';
import { settle } from '../../support/virtual-clock.js';
import type { VirtualClock } from '../../support/virtual-clock.js';
import { Call, Processes } from './processes.js';

let clock: VirtualClock;
let space: MemorySpace;
let open: Processes['open'];

beforeEach(() => {
  const processes = new Processes();
  ({ clock, space } = processes);
  open = (options) => processes.open(options);
});

const after = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));

describe('a holder that kept its process busy until after the deadline', () => {
  it('is told of the loss by its release, though Redis has the lock still', async () => {
    const { manager } = open();
    const lock = await manager.acquire('k', { ttl: 1000 });
    clock.block(960);
    expect(space.holder('k')).toBeDefined();

    expect(await lock.release()).toBe('lost');

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    await clock.advance(1);
    expect(space.holder('k')).toBeUndefined();
  });
});

describe('a waiter', () => {
  it('asks every 2.5 s at most, however long it waits', async () => {
    const [a, b] = [open(), open()];
    await a.manager.acquire('k');
    const call = new Call(b.manager, { wait: 60_000 });
    await clock.advance(59_000);

    expect(b.store.log.filter((name) => name === 'poll').length).toBeLessThanOrEqual(24);
    expect(b.store.log.filter((name) => name === 'poll').length).toBeGreaterThan(20);
    await clock.advance(1001);
    expect(call.error).toMatchObject({
      code: 'LOCK_TIMEOUT',
      waitedMs: expect.closeTo(60_000, -1),
    });
  });

  it('may wait for ever', async () => {
    const [a, b] = [open(), open()];
    const lock = await a.manager.acquire('k');
    const call = new Call(b.manager, { wait: Infinity });
    await clock.advance(600_000);
    expect(call.error).toBeUndefined();
    await lock.release();
    await clock.advance(1);

    expect(call.lock?.remainingMs).toBeGreaterThan(1800);
  });

  it('finds a grant that was never pushed when it asks next (F8)', async () => {
    const [a, b] = [open(), open()];
    b.store.onGrant = () => undefined;
    const lock = await a.manager.acquire('k');
    const call = new Call(b.manager);
    await clock.advance(10);
    await lock.release();
    await clock.advance(2500);

    expect(call.lock?.remainingMs).toBeGreaterThan(1700);
  });

  it('does not start on a grant of unknown age: it asks first (F1)', async () => {
    const [a, b] = [open(), open()];
    b.store.onGrant = (grant) => ({ ...grant, expiresAt: undefined });
    const lock = await a.manager.acquire('k');
    const call = new Call(b.manager);
    await clock.advance(10);
    await lock.release();
    const polled: string[] = [];
    b.store.onPoll = (_, next) => {
      polled.push(call.lock === undefined ? 'before' : 'after');
      return next();
    };
    await clock.advance(1);

    expect(polled).toEqual(['before']);
    expect(call.lock).toBeDefined();
  });

  it('does not start on a grant whose claim is over: it takes its turn again (F1)', async () => {
    const [a, b, c] = [open(), open(), open()];
    const late: (() => void)[] = [];
    b.store.onGrant = (grant) => {
      late.push(() => b.store.listener?.granted(grant));
      return undefined;
    };
    b.store.onPoll = async (_, next) => {
      await after(60_000);
      return next();
    };
    const lock = await a.manager.acquire('k');
    const call = new Call(b.manager, { wait: 100_000 });
    await clock.advance(10);
    await lock.release();
    await clock.advance(2100);
    const other = await c.manager.acquire('k');
    b.store.onPoll = (_, next) => next();
    for (const push of late) push();
    await clock.advance(100);

    expect(call.lock).toBeUndefined();
    other.assertHeld();
    b.store.onGrant = (grant) => grant;
    await other.release();
    await clock.advance(70_000);
    expect(call.lock?.fencingToken).toBeGreaterThan(other.fencingToken);
  });

  it('that gets its grant before the answer that announces the wait, starts once (F6, F13)', async () => {
    const [a, b] = [open(), open()];
    const entered: unknown[] = [];
    b.manager.events.on('acquired', (event) => entered.push(event));
    const lock = await a.manager.acquire('k');
    b.store.onAcquire = async (_, next) => {
      const reply = await next();
      await after(300);
      return reply;
    };
    const call = new Call(b.manager);
    await clock.advance(1);
    await lock.release();
    await clock.advance(1);
    expect(call.lock).toBeDefined();
    await clock.advance(400);

    expect(entered).toHaveLength(1);
    call.lock?.assertHeld();
    expect(await call.lock?.release()).toBe('released');
  });

  it('that is told twice of one grant enters once (F13)', async () => {
    const [a, b] = [open(), open()];
    const fences: number[] = [];
    const lock = await a.manager.acquire('k');
    const calls = [new Call(b.manager), new Call(b.manager)];
    await clock.advance(10);
    b.store.onGrant = (grant) => {
      b.store.listener?.granted(grant);
      return grant;
    };
    await lock.release();
    await clock.advance(1);
    for (const call of calls) if (call.lock !== undefined) fences.push(call.lock.fencingToken);

    expect(fences).toHaveLength(1);
  });

  it('keeps its place when its attempts fail', async () => {
    const [a, b, c] = [open(), open(), open()];
    const order: string[] = [];
    const lock = await a.manager.acquire('k');
    const early = new Call(b.manager, { wait: 60_000 });
    void early.settled.then(() => order.push('early'));
    await clock.advance(10);
    const late = new Call(c.manager, { wait: 60_000 });
    void late.settled.then(() => order.push('late'));
    await clock.advance(10);
    // Its place is gone, as after a restart of Redis or a hand-over to a connection that was cut.
    const [waiter] = space.queue('k');
    space.dequeue('k', waiter?.token);
    await clock.advance(2600);
    expect(space.queue('k')).toHaveLength(2);
    await lock.release();
    await clock.advance(1);
    await early.lock?.release();
    await clock.advance(1);

    expect(order).toEqual(['early', 'late']);
  });

  it('tries again at growing intervals while Redis fails, and rejects at its wait', async () => {
    const { manager, store } = open();
    const at: number[] = [];
    store.onAcquire = () => {
      at.push(clock.now());
      return Promise.reject(new NotAppliedError(['k'], 'Redis refused (OOM).'));
    };
    const call = new Call(manager, { wait: 5000 });
    await clock.advance(5000);

    expect(call.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(String(call.error)).toContain('OOM');
    const pauses = at.slice(1).map((moment, i) => moment - at[i]!);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(500);
    expect(at.length).toBeLessThan(25);
    await clock.advance(5000);
    expect(store.log.filter((name) => name === 'release')).toEqual([]);
  });

  it('gives back every token of which it does not know what it got (F5)', async () => {
    const { manager, store } = open();
    store.onAcquire = async (_, next) => {
      await next();
      throw new LockUnavailableError(['k'], 'silent.');
    };
    const call = new Call(manager, { wait: 1000 });
    await clock.advance(1001);

    expect(call.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(space.holder('k')).toBeUndefined();
    expect(space.queue('k')).toEqual([]);
  });

  it('that has gone gives back what a late answer brings: the ghost rule (F5)', async () => {
    const { manager, store } = open({ commandTimeout: 10_000 });
    store.onAcquire = async (_, next) => {
      await after(500);
      return next();
    };
    const call = new Call(manager, { wait: 100 });
    await clock.advance(101);
    expect(call.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await clock.advance(400);
    await settle();

    expect(space.holder('k')).toBeUndefined();
  });

  it('follows the end of a minHold that it is told of', async () => {
    const [a, b] = [open(), open()];
    const lock = await a.manager.acquire('k', { minHold: 1000 });
    const call = new Call(b.manager);
    await clock.advance(300);
    await lock.release();
    await clock.advance(695);
    expect(call.lock).toBeUndefined();
    await clock.advance(10);

    expect(call.lock).toBeDefined();
  });

  it('is not woken by every hand-over to others', async () => {
    const [a, ...others] = [open(), open(), open(), open()];
    const first = await a.manager.acquire('k');
    const calls = others.map(({ manager }) => new Call(manager));
    await clock.advance(10);
    const before = others.map(({ store }) => store.log.length);
    await first.release();
    await clock.advance(1);
    for (const call of calls.slice(0, -1)) {
      await call.lock?.release();
      await clock.advance(1);
    }

    expect(calls.at(-1)?.lock).toBeDefined();
    expect(others.at(-1)!.store.log.length).toBe(before.at(-1));
  });
});

describe('a grant for a token that nobody here knows', () => {
  it('is given back at once (the ghost rule)', async () => {
    const { manager, store } = open();
    await manager.withLock('k', () => {});
    store.log.length = 0;
    const released: string[] = [];
    store.onRelease = (command, next) => {
      released.push(command.token);
      return next();
    };

    store.listener?.granted({
      key: 'k',
      token: 'unknown',
      fences: { next: 1, last: 1 },
      queue: 0,
      expiresAt: clock.now() + 2000,
    });
    await settle();

    expect(released).toEqual(['unknown']);
  });
});

describe('a store that is connected anew', () => {
  it('is asked at once for all that wait, and for all that is held', async () => {
    const [a, b] = [open(), open()];
    const lock = await a.manager.acquire('k');
    const call = new Call(b.manager);
    await clock.advance(10);
    b.store.onGrant = () => undefined;
    await lock.release();
    a.store.log.length = 0;
    await a.manager.acquire('other');
    b.store.listener?.reconnected();
    a.store.listener?.reconnected();
    await clock.advance(0);

    expect(call.lock).toBeDefined();
    expect(a.store.log).toContain('renew');
  });
});

describe('a process', () => {
  it('passes its lock on freely, and asks once a second whether others wait', async () => {
    const { manager, store } = open();
    let passed = 0;
    const worker = async (): Promise<void> => {
      while (passed < 2000) {
        await manager.withLock('k', () => after(2));
        passed += 1;
      }
    };
    const workers = [worker(), worker(), worker()];
    await clock.advance(4500);
    await Promise.all(workers);

    const counts = { acquire: 0, renew: 0, release: 0, poll: 0 };
    for (const name of store.log) counts[name as keyof typeof counts] += 1;
    expect(counts.acquire).toBe(1);
    expect(counts.release).toBe(1);
    expect(counts.renew).toBeLessThan(40);
  });

  it('yields after 25 ms to another that waits, though it was never told', async () => {
    const [a, b] = [open(), open()];
    a.store.losesWanted = true;
    const stop = new AbortController();
    const worker = async (): Promise<void> => {
      while (!stop.signal.aborted) await a.manager.withLock('k', () => after(5));
    };
    const workers = [worker(), worker(), worker()];
    await clock.advance(100);
    const call = new Call(b.manager);
    await clock.advance(1100);
    stop.abort();
    expect(call.lock).toBeDefined();
    await call.lock?.release();
    await clock.advance(100);
    await Promise.all(workers);
  });

  it('leaves no timer behind when it is closed', async () => {
    const { manager } = open();
    await manager.acquire('held');
    const other = open().manager;
    const lock = await other.acquire('k');
    const call = new Call(manager);
    await clock.advance(10);

    const closing = timed(manager.close());
    await clock.advance(10);

    expect((await closing).error).toBeUndefined();
    expect(call.error).toMatchObject({ code: 'LOCK_SHUTDOWN' });
    await lock.release();
    await other.close();
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });
});
