import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { AcquireReply } from '../../../lib/engine/store/lock-store.js';
import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

/** What may become of the command that yields, while the old token keeps the lock in the store. */
const FAILURES: [string, (sentAt: number) => Promise<AcquireReply>][] = [
  ['came too late', async (sentAt) => ({ kind: 'stale', sentAt })],
  ['was not answered', () => Promise.reject(new LockUnavailableError(['k'], 'silent.'))],
];

describe('a process that yields its turn by a command', () => {
  let processes: Processes;
  let a: Process;
  let b: Process;
  let lost: unknown[];

  beforeEach(() => {
    processes = new Processes();
    a = processes.open({ localHandoffs: 0 });
    b = processes.open();
    lost = [];
    a.manager.events.on('lost', (event) => lost.push(event));
  });

  it('yields to who began to wait before the answer that gave it the lock', async () => {
    const { clock } = processes;
    const { manager, store } = processes.open();
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    // Its turn is confirmed by a poll, whose answer takes its time.
    store.onGrant = (grant) => ({ ...grant, expiresAt: undefined });
    store.onPoll = async (_, next) => {
      const reply = await next();
      await answered;
      return reply;
    };
    const first = await manager.acquire('k');
    const own = Array.from({ length: 3 }, () => new Call(manager));
    const elsewhere = new Call(b.manager);
    // Longer than a turn may last while others wait.
    await clock.advance(30);
    await first.release();
    await clock.advance(10);
    await elsewhere.lock?.release();
    await clock.advance(10);
    const other = new Call(b.manager);
    await clock.advance(10);
    answer();
    await clock.advance(30);

    await own[0]?.lock?.release();
    await clock.advance(10);

    expect(other.lock).toBeDefined();
    expect(own[1]?.lock).toBeUndefined();
  });

  describe.each(FAILURES)('that %s', (_, fail) => {
    it('gives the lock to who waits elsewhere all the same, and is served after it', async () => {
      const { clock } = processes;
      const first = await a.manager.acquire('k');
      const own = new Call(a.manager);
      const other = new Call(b.manager);
      await clock.advance(10);
      let yields = 0;
      a.store.onAcquire = (command, next) => {
        if (command.yields === undefined) return next();
        yields += 1;
        return fail(clock.now());
      };

      const released = first.release();
      await clock.advance(1000);

      expect(yields).toBe(1);
      expect(await released).toBe('released');
      expect(lost).toEqual([]);
      other.lock?.assertHeld();
      expect(other.lock).toBeDefined();
      expect(own.lock).toBeUndefined();
      await other.lock?.release();
      await clock.advance(1000);
      expect(own.lock?.fencingToken).toBeGreaterThan(other.lock!.fencingToken);
    });

    it('takes its own turn again when nobody waits elsewhere any more', async () => {
      const { clock, space } = processes;
      const first = await a.manager.acquire('k');
      const own = new Call(a.manager);
      const controller = new AbortController();
      const gone = new Call(b.manager, { signal: controller.signal });
      await clock.advance(10);
      a.store.onAcquire = async (command, next) => {
        if (command.yields === undefined) return next();
        controller.abort();
        await gone.settled;
        return fail(clock.now());
      };

      const released = first.release();
      await clock.advance(1000);

      expect(await released).toBe('released');
      expect(own.lock).toBeDefined();
      own.lock?.assertHeld();
      await own.lock?.release();
      expect(lost).toEqual([]);
      expect(space.holder('k')).toBeUndefined();
    });
  });
});
