import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { Gate } from '../../support/gate.js';
import { timed } from '../../support/timed.js';
import { Call, Processes } from './processes.js';

let processes: Processes;
let manager: LockManager;

beforeEach(() => {
  processes = new Processes();
  ({ manager } = processes.open({ shutdownTimeout: 5000 }));
});

describe('calls that re-enter a held lock', () => {
  it('tell that they wait for a sibling, and that they timed out', async () => {
    const events: unknown[] = [];
    manager.events.on('waiting', (event) => events.push(['waiting', event]));
    manager.events.on('timeout', (event) => events.push(['timeout', event]));
    const gate = new Gate();
    const section = manager.withLock('k', async () => {
      const first = manager.withLock('k', () => gate.passed, { label: 'first' });
      const second = timed(manager.acquire('k', { label: 'second', wait: 300 }));
      const third = manager.tryAcquire('k', { label: 'third' });
      await processes.clock.advance(301);
      expect(await third).toBeNull();
      expect((await second).error).toMatchObject({ code: 'LOCK_TIMEOUT' });
      gate.open();
      await first;
    });
    await section;

    const told = { key: 'k', template: '' };
    expect(events).toEqual([
      ['waiting', { ...told, label: 'second' }],
      ['timeout', expect.objectContaining({ ...told, label: 'third', waitedMs: 0 })],
      ['timeout', expect.objectContaining({ ...told, label: 'second', waitedMs: 300 })],
    ]);
  });

  it('for some of several keys name these, whatever else the lock is of', async () => {
    const told: unknown[] = [];
    manager.events.on('timeout', (event) => told.push(event));
    const gate = new Gate();
    await manager.withLock(['a', 'b', 'c'], async () => {
      const first = manager.withLock('a', () => gate.passed);
      const second = timed(manager.acquire(['c', 'b'], { wait: 0 }));
      const { error } = await second;
      gate.open();
      await first;

      expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'b', keys: ['b', 'c'] });
      expect(told).toEqual([expect.objectContaining({ key: 'b', keys: ['b', 'c'] })]);
    });
  });

  it('for themselves alone are refused at once under a shared lock', async () => {
    const section = manager.withLock('k', () => manager.acquire('k'), { mode: 'shared' });

    await expect(section).rejects.toMatchObject({ code: 'LOCK_CONFIG', keys: ['k'] });
  });

  it('are told that it is lost: at once, or in their turn', async () => {
    const gate = new Gate();
    const section = timed(
      manager.withLock('k', async () => {
        const sibling = timed(manager.withLock('k', () => gate.passed));
        const waiting = new Call(manager);
        await processes.clock.advance(1);
        await manager.forceRelease('k');
        await processes.clock.advance(1);
        const late = new Call(manager);
        await processes.clock.advance(1);
        expect(late.error).toMatchObject({ code: 'LOCK_LOST' });

        gate.open();
        await sibling;
        await processes.clock.advance(1);

        expect(waiting.error).toMatchObject({ code: 'LOCK_LOST' });
      }),
    );

    expect((await section).error).toMatchObject({ code: 'LOCK_LOST' });
  });

  describe('that are never released', () => {
    let warn: jest.SpiedFunction<typeof process.emitWarning>;

    beforeEach(() => {
      warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    });

    afterEach(() => {
      warn.mockRestore();
    });

    it('keep the lock, and are named in a warning after a while', async () => {
      await manager.withLock('k', async () => {
        await manager.acquire('k', { label: 'forgotten' });
      });
      await processes.clock.advance(9000);
      expect(warn).not.toHaveBeenCalled();
      await processes.clock.advance(90_000);

      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn.mock.calls[0]?.[0]).toMatch(/^Lock "k" was released, but .* \(forgotten\)/);
      expect(await manager.inspect('k')).not.toBeNull();
    });

    it('are not blamed when they end in time', async () => {
      const gate = new Gate();
      await manager.withLock('k', () => void manager.withLock('k', () => gate.passed));
      await processes.clock.advance(9000);
      gate.open();
      await processes.clock.advance(9000);

      expect(warn).not.toHaveBeenCalled();
      expect(await manager.inspect('k')).toBeNull();
    });
  });
});

describe('a section that runs while the application closes', () => {
  it('goes on with all that it asks for: re-entry, other locks, waits for them', async () => {
    const other = processes.open();
    const taken = await other.manager.acquire('taken');
    const gate = new Gate();
    const section = manager.withLock('k', async (lock) => {
      const waiting = manager.acquire('taken');
      await gate.passed;
      await lock.extend();
      await manager.withLock('k', () => {});
      await manager.withLock('free', () => manager.withLock('inner', () => {}));
      await taken.release();
      await (await waiting).release();
      return 'done';
    });
    await processes.clock.advance(1);
    const outside = new Call(manager, {}, 'taken');
    await processes.clock.advance(1);
    const drained = manager.drain();
    const late = new Call(manager, {}, 'another');
    await processes.clock.advance(1);
    expect(outside.error).toMatchObject({ code: 'LOCK_SHUTDOWN' });
    expect(late.error).toMatchObject({ code: 'LOCK_SHUTDOWN' });
    gate.open();

    expect(await section).toBe('done');
    await drained;
  });

  it('is refused once `shutdownTimeout` is over, and its waits end', async () => {
    const other = processes.open();
    await other.manager.acquire('taken');
    const outcomes: unknown[] = [];
    const section = timed(
      manager.withLock('k', async (lock) => {
        const waiting = timed(manager.acquire('taken', { wait: Infinity }));
        await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
        outcomes.push((await waiting).error, (await timed(manager.acquire('new'))).error);
      }),
    );
    await processes.clock.advance(1);
    const drained = manager.drain();
    await processes.clock.advance(5001);
    await drained;

    expect((await section).error).toMatchObject({ code: 'LOCK_LOST' });
    expect(outcomes).toEqual([
      expect.objectContaining({ code: 'LOCK_SHUTDOWN' }),
      expect.objectContaining({ code: 'LOCK_SHUTDOWN' }),
    ]);
  });
});
