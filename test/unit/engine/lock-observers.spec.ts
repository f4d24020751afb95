import { AsyncLocalStorage } from 'node:async_hooks';

import { describe, expect, it, jest } from '@jest/globals';

import type { CallObserver, LockObserver } from '../../../lib/engine/api/lock-observers.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { MemorySpace } from '../../../lib/memory/memory-space.js';
import { systemClock } from '../../../lib/engine/time/clock.js';
import { openManager } from '../../support/managers.js';

/** Writes down what it sees. */
function recorder(more: Partial<CallObserver> = {}) {
  const seen: string[] = [];
  const observer: LockObserver = {
    asked: ({ key, label, template }) => {
      seen.push(`asked ${key} ${label}${template}`);
      return {
        acquired: (waitedMs, via, fence) =>
          seen.push(`acquired ${via} ${typeof waitedMs} ${typeof fence}`),
        refused: (error) =>
          seen.push(`refused ${(error as { code?: string }).code ?? String(error)}`),
        ended: (how, heldMs) => seen.push(`ended ${how} ${typeof heldMs}`),
        ...more,
      };
    },
  };
  return { seen, observer };
}

function open(...observers: LockObserver[]): LockManager {
  const manager = openManager(new MemorySpace(systemClock));
  for (const observer of observers) manager.observers.add(observer);
  return manager;
}

describe('an observer of locks', () => {
  it('sees a call ask, acquire and release', async () => {
    const { seen, observer } = recorder();
    const manager = open(observer);
    await manager.withLock('k', () => {}, { label: 'job' });

    expect(seen).toEqual(['asked k job', 'acquired free number number', 'ended released number']);
  });

  it('sees each way in which a call ends without its lock', async () => {
    const { seen, observer } = recorder();
    const manager = open(observer);
    const lock = await manager.acquire('k');
    const gone = new AbortController();
    const aborted = manager.acquire('k', { signal: gone.signal });
    gone.abort('left');
    await expect(aborted).rejects.toBe('left');
    expect(await manager.tryAcquire('k')).toBeNull();
    const waiting = manager.acquire('k');
    manager.stopWaiting();
    await expect(waiting).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
    await lock.release();

    expect(seen.filter((line) => line.startsWith('refused'))).toEqual([
      'refused left',
      'refused LOCK_TIMEOUT',
      'refused LOCK_SHUTDOWN',
    ]);
    expect(seen.at(-1)).toBe('ended released number');
  });

  it('sees each call that is turned away once, whoever does it', async () => {
    const { seen, observer } = recorder();
    const manager = open(observer);
    const signal = AbortSignal.abort('left');
    const code = (of: string) => expect.objectContaining({ code: of }) as object;
    const refusals = (): string[] => seen.filter((line) => line.startsWith('refused'));
    const ticket = await (await manager.acquire('moved')).detach();
    const tickets = await (await manager.acquire(['a', 'b'])).detach();
    const held = await manager.acquire('k');

    await expect(manager.acquire('k', { signal })).rejects.toBe('left');
    await expect(manager.acquire('k', { wait: 0 })).rejects.toEqual(code('LOCK_TIMEOUT'));
    await expect(manager.acquire('k', { wait: 0 })).rejects.toEqual(code('LOCK_TIMEOUT'));
    await expect(manager.acquire(['k', 'l'], { signal })).rejects.toBe('left');
    await expect(manager.acquire(['k', 'l'], { wait: 0 })).rejects.toEqual(code('LOCK_TIMEOUT'));
    for (const used of [ticket, tickets]) {
      await (await manager.attach(used)).release();
      await expect(manager.attach(used)).rejects.toEqual(code('LOCK_LOST'));
    }
    expect(refusals()).toEqual([
      'refused left',
      'refused LOCK_TIMEOUT',
      'refused LOCK_TIMEOUT',
      'refused left',
      'refused LOCK_TIMEOUT',
      'refused LOCK_LOST',
      'refused LOCK_LOST',
    ]);
    expect(seen.filter((line) => line.startsWith('asked'))).toHaveLength(5 + refusals().length);
    await held.release();
  });

  it('sees a lock that is lost end once, as lost', async () => {
    const { seen, observer } = recorder();
    const manager = open(observer);
    const lock = await manager.acquire('k', { ttl: 100, renew: false, maxHold: 20 });
    await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
    await lock.release();

    expect(seen.filter((line) => line.startsWith('ended'))).toEqual(['ended lost number']);
  });

  it('sees no re-entry: it is part of its lock', async () => {
    const { seen, observer } = recorder();
    const manager = open(observer);
    await manager.withLock('k', () => manager.withLock('k', () => {}));

    expect(seen).toHaveLength(3);
  });

  it('is run around a section, in which its async context holds', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { observer } = recorder({ run: (task) => storage.run('inside', task) });
    const manager = open(observer, recorder().observer);

    expect(await manager.withLock('k', async () => storage.getStore())).toBe('inside');
  });

  it('changes nothing when it throws', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const fail = (): never => {
      throw new Error('broken');
    };
    const broken = { acquired: fail, refused: fail, ended: fail, run: fail };
    const { seen, observer } = recorder();
    const manager = open({ asked: fail }, { asked: () => broken }, observer);

    expect(await manager.withLock('k', () => 'done')).toBe('done');
    await expect(manager.withLock('k', fail)).rejects.toThrow('broken');
    expect(seen).toHaveLength(6);
    expect(warn).toHaveBeenCalled();
    warn.mockRestore();
  });

  it('sees nothing more once it is taken away', async () => {
    const { seen, observer } = recorder();
    const manager = open();
    manager.observers.add(observer)();
    await manager.withLock('k', () => {});

    expect(seen).toEqual([]);
  });
});
