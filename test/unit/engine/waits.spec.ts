import { AsyncLocalStorage } from 'node:async_hooks';

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { readSettings } from '../../../lib/engine/api/lock-options.check.js';
import { OptionReader } from '../../../lib/engine/api/option-reader.js';
import { LockManager } from '../../../lib/engine/lock-manager.js';
import { MemoryLockStore } from '../../../lib/memory/memory-lock.store.js';
import { eventually } from '../../support/eventually.js';
import { Call, Processes } from './processes.js';

let manager: LockManager;

beforeEach(() => {
  const settings = readSettings(new OptionReader({ shutdownTimeout: 0 }));
  manager = new LockManager(settings, (boot) => new MemoryLockStore(boot));
});

afterEach(async () => {
  jest.useRealTimers();
  await manager.close();
});

describe('calls that wait beside each other', () => {
  it('are told of in their own async contexts', async () => {
    const callers = new AsyncLocalStorage<string>();
    const told: [string, string | undefined][] = [];
    manager.events.on('timeout', ({ label }) => told.push([label, callers.getStore()]));
    await manager.acquire('k');
    const calls = ['one', 'other', 'third'].map((label) =>
      callers.run(label, () => new Call(manager, { wait: 20, label })),
    );
    await Promise.all(calls.map(({ settled }) => settled));

    expect(told).toEqual([
      ['one', 'one'],
      ['other', 'other'],
      ['third', 'third'],
    ]);
  });

  it('end in a test that moves the timers by hand, and no other clock', async () => {
    await manager.acquire('k');
    jest.useFakeTimers({
      doNotFake: ['performance', 'nextTick', 'queueMicrotask', 'setImmediate'],
    });
    const early = [new Call(manager, { wait: 5000 }), new Call(manager, { wait: 5000 })];
    await jest.advanceTimersByTimeAsync(2000);
    const late = [new Call(manager, { wait: 1000 }), new Call(manager, { wait: 4000 })];

    await jest.advanceTimersByTimeAsync(999);
    expect(late[0]?.error).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1);
    expect(late[0]?.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    await jest.advanceTimersByTimeAsync(2000);
    for (const { error } of early) expect(error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(late[1]?.error).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1000);
    expect(late[1]?.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
  });
});

describe('a call that is told that the lock is busy', () => {
  it('does not get it all the same, when a listener gives the lock back then', async () => {
    const lock = await manager.acquire('k');
    manager.events.on('timeout', () => void lock.release());
    const hasty = new Call(manager, { wait: 20, label: 'hasty' });
    const patient = new Call(manager, { label: 'patient' });
    await hasty.settled;

    expect(hasty.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    await patient.settled;
    expect(patient.error).toBeUndefined();
  });

  it('waited in real time, though another one waits for timers that a test moves', async () => {
    const lock = await manager.acquire('k');
    const real = new Call(manager, { wait: 50 });
    jest.useFakeTimers({
      doNotFake: ['performance', 'nextTick', 'queueMicrotask', 'setImmediate'],
    });
    const faked = new Call(manager, { wait: 30 });
    await real.settled;
    expect(real.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(faked.error).toBeUndefined();
    await jest.advanceTimersByTimeAsync(30);

    expect(faked.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    await lock.release();
  });
});

describe('what listeners do while another call is in its section', () => {
  /** Runs `task` in a section of `outer` and waits for what it gives, inside it. */
  const inSection = <T>(task: () => Promise<T>): Promise<T> => manager.withLock('outer', task);

  it('re-enters no lock of that call when a lock passes on', async () => {
    const tried: Promise<unknown>[] = [];
    manager.events.on('acquired', ({ label }) => {
      if (label === 'next') tried.push(manager.tryAcquire('outer'));
    });
    const lock = await manager.acquire('k');
    const next = new Call(manager, { label: 'next' });
    await inSection(async () => {
      await lock.release();
      await next.settled;
      expect(await Promise.all(tried)).toEqual([null]);
    });
  });

  it('re-enters no lock of that call when a lease ends', async () => {
    const tried: Promise<unknown>[] = [];
    const options = { ttl: 1000, renew: false };
    let enter!: () => void;
    const entered = new Promise<void>((resolve) => (enter = resolve));
    const section = inSection(async () => {
      await manager.acquire('inner', options);
      enter();
      await eventually(() => expect(tried).toHaveLength(2));
      expect(await Promise.all(tried)).toEqual([null, null]);
    });
    await entered;
    const lock = await manager.acquire('k', options);
    const tries = () => tried.push(manager.tryAcquire('outer'));
    manager.events.on('lost', ({ key }) => key === 'k' && tries());
    lock.signal.addEventListener('abort', tries);
    await section;
  });
});

describe('a call that has left because of what was told of another one', () => {
  it('is not told to wait', async () => {
    const processes = new Processes();
    const [holding, asking] = [processes.open().manager, processes.open().manager];
    await holding.acquire('k');
    const abort = new AbortController();
    const told: (string | undefined)[] = [];
    asking.events.on('timeout', () => abort.abort());
    asking.events.on('waiting', ({ label }) => told.push(label));
    const hasty = new Call(asking, { wait: 0 });
    const leaver = new Call(asking, { wait: '1m', signal: abort.signal, label: 'leaver' });
    const patient = new Call(asking, { wait: '1m', label: 'patient' });
    await processes.clock.advance(100);

    expect([hasty.error, leaver.error]).toMatchObject([
      { code: 'LOCK_TIMEOUT' },
      { name: 'AbortError' },
    ]);
    expect(patient.error).toBeUndefined();
    expect(told).toEqual(['patient']);
  });

  it('is not told of a renewal, nor of trouble', async () => {
    const processes = new Processes();
    const { manager, store } = processes.open();
    const readers = [
      await manager.acquire('k', { mode: 'shared', ttl: 3000, label: 'one' }),
      await manager.acquire('k', { mode: 'shared', ttl: 3000, label: 'other' }),
    ];
    const told: string[] = [];
    const tell = ({ label }: { label: string }): void => {
      told.push(label);
      void readers[1]!.release();
    };
    manager.events.on('renewed', tell);
    await processes.clock.advance(1500);
    expect(new Set(told)).toEqual(new Set(['one']));

    readers.splice(1, 1, await manager.acquire('k', { mode: 'shared', ttl: 3000, label: 'third' }));
    manager.events.off('renewed', tell);
    told.length = 0;
    manager.events.on('unavailable', tell);
    store.onRenew = () => Promise.reject(new LockUnavailableError(['k'], 'it is down.'));
    await processes.clock.advance(1500);
    expect(new Set(told)).toEqual(new Set(['one']));
  });
});
