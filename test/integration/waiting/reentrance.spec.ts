import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { eventually } from '../../support/eventually.js';
import { Gate } from '../../support/gate.js';
import { openManager } from '../../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

let keyPrefix: string;
let a: LockManager;
let b: LockManager;

beforeEach(async () => {
  keyPrefix = uniquePrefix();
  a = openManager(sharedRedisUrl(), { keyPrefix });
  b = openManager(sharedRedisUrl(), { keyPrefix });
});

describe('a release', () => {
  it.each([0, 1, 2, 3, 5, 8])(
    'waits for a re-entry that begins %i microtasks after another has ended',
    async (microtasks) => {
      const gate = new Gate();
      let remaining: number | undefined;
      let late: Promise<void> | undefined;
      const outer = a.withLock('k', async () => {
        const first = await a.acquire('k');
        late = gate.passed.then(async () => {
          void first.release();
          for (let i = 0; i < microtasks; i += 1) await Promise.resolve();
          await a.withLock('k', async (lock) => {
            await b.tryAcquire('k');
            remaining = lock.remainingMs;
          });
        });
      });
      await outer;
      gate.open();
      await late;

      expect(remaining).toBeGreaterThan(0);
    },
  );
});

describe('the result of a task', () => {
  it('does not wait for a re-entry that nobody awaited; the lock does', async () => {
    const gate = new Gate();
    let inner: Promise<void> | undefined;

    const result = await a.withLock('k', () => {
      inner = a.withLock('k', () => gate.passed);
      return 'result';
    });

    expect(result).toBe('result');
    expect(await b.tryAcquire('k')).toBeNull();
    gate.open();
    await inner;
    await eventually(async () => expect(await b.inspect('k')).toBeNull());
  });
});

describe('inside a section', () => {
  it('a call for the same key re-enters at once, and its release frees nothing', async () => {
    await a.withLock('k', async (outer) => {
      const nested = await a.withLock('k', async (inner) => {
        expect(inner.key).toBe('k');
        expect(inner.signal).toBe(outer.signal);
        return a.withLock('k', () => 'third level', { wait: 0 });
      });
      expect(nested).toBe('third level');
      expect(await b.tryAcquire('k')).toBeNull();
      outer.assertHeld();
    });

    expect(await b.tryAcquire('k')).not.toBeNull();
  });

  it('acquire and tryAcquire re-enter as well, and give their turn back', async () => {
    await a.withLock('k', async (outer) => {
      const first = await a.acquire('k');
      expect(first.fencingToken).toBe(outer.fencingToken);
      expect(await first.release()).toBe('released');
      const second = await a.tryAcquire('k');
      expect(await second?.release()).toBe('released');
      expect(await b.tryAcquire('k')).toBeNull();
    });
  });

  it('a handle of a re-entry is no proof once it is released', async () => {
    await a.withLock('k', async (outer) => {
      const nested = await a.acquire('k');
      await nested.release();

      expect(nested.remainingMs).toBe(0);
      expect(() => nested.assertHeld()).toThrow(expect.objectContaining({ code: 'LOCK_LOST' }));
      await expect(nested.extend()).rejects.toMatchObject({ code: 'LOCK_LOST' });
      outer.assertHeld();
    });
  });

  it('calls that re-enter at the same time take turns, in call order', async () => {
    let inside = 0;
    const order: number[] = [];
    await a.withLock('k', () =>
      Promise.all(
        [0, 1, 2, 3].map((i) =>
          a.withLock('k', async () => {
            inside += 1;
            expect(inside).toBe(1);
            order.push(i);
            await a.withLock('k', () => new Promise((resolve) => setTimeout(resolve, 5)));
            inside -= 1;
          }),
        ),
      ),
    );

    expect(order).toEqual([0, 1, 2, 3]);
  });

  it('a sibling that waits for its turn gives up after its wait, or by its signal', async () => {
    await a.withLock('k', async () => {
      const gate = new Gate();
      const first = a.withLock('k', () => gate.passed);
      const controller = new AbortController();

      const late = timed(a.withLock('k', () => {}, { wait: 50 }));
      const aborted = timed(a.withLock('k', () => {}, { signal: controller.signal }));
      const tried = a.tryAcquire('k');
      controller.abort('enough');

      expect((await late).error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'k' });
      expect((await aborted).error).toBe('enough');
      expect(await tried).toBeNull();
      gate.open();
      await first;
    });

    expect(await b.tryAcquire('k')).not.toBeNull();
  });

  it('everything that it started is inside, awaited or not: the lock goes with the last', async () => {
    const gate = new Gate();
    let entered = false;
    let detached: Promise<void> = Promise.resolve();
    const section = a.withLock('k', () => {
      detached = a.withLock('k', async () => {
        entered = true;
        await gate.passed;
      });
      return 'result';
    });
    await eventually(() => expect(entered).toBe(true));

    expect(await b.tryAcquire('k')).toBeNull();
    const waiting = b.acquire('k');
    gate.open();
    await detached;

    expect(await section).toBe('result');
    await (await waiting).release();
  });

  it('a call of a detached promise after the section waits like anybody', async () => {
    const later = new Gate();
    let call: Promise<unknown> = Promise.resolve();
    await a.withLock('k', () => {
      call = later.passed.then(() => timed(a.withLock('k', () => 'mine', { wait: 5000 })));
    });
    const other = await b.acquire('k');
    later.open();
    expect(await timed(Promise.race([call, waits(200)]))).toMatchObject({ value: 'waits' });

    await other.release();

    expect(await call).toMatchObject({ value: 'mine' });
  });

  it('a call of a detached promise after a lost section waits like anybody', async () => {
    const later = new Gate();
    let call: Promise<unknown> = Promise.resolve();
    await timed(
      a.withLock('k', async (lock) => {
        call = later.passed.then(() => timed(a.withLock('k', () => 'mine')));
        await b.forceRelease('k');
        await eventually(() => expect(lock.signal.aborted).toBe(true));
      }),
    );
    later.open();

    expect(await call).toMatchObject({ value: 'mine' });
  });

  it('a call after the lock was lost rejects: nothing runs on a lost lock', async () => {
    let ran = false;
    const section = a.withLock('k', async (lock) => {
      await b.forceRelease('k');
      await eventually(() => expect(lock.signal.aborted).toBe(true));
      await expect(a.withLock('k', () => (ran = true))).rejects.toMatchObject({
        code: 'LOCK_LOST',
      });
    });

    await expect(section).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(ran).toBe(false);
  });

  it('a listener that was registered outside is outside', async () => {
    const emitter = new EventEmitter();
    let call: Promise<unknown> = Promise.resolve();
    const trigger = new Gate();
    void trigger.passed.then(() => emitter.emit('event'));
    emitter.on('event', () => {
      call = timed(a.tryAcquire('k'));
    });

    await a.withLock('k', async () => {
      trigger.open();
      await eventually(async () => expect(await call).toMatchObject({ value: null }));
    });
  });

  it('another manager’s lock of the same name is another lock', async () => {
    const other = openManager(sharedRedisUrl(), { keyPrefix: uniquePrefix() });

    await a.withLock('k', () =>
      other.withLock('k', async (lock) => {
        expect(other.current()).toBe(lock);
        expect(await b.tryAcquire('k')).toBeNull();
      }),
    );
  });
});

describe('acquire', () => {
  it('opens no context: a second call waits', async () => {
    const lock = await a.acquire('k');

    expect(await a.tryAcquire('k')).toBeNull();
    expect(a.current()).toBeUndefined();

    await lock.release();
  });
});

describe('two keys that lock each other', () => {
  it('are two locks: no order can dead-lock for longer than wait', async () => {
    const both = await Promise.all([
      timed(a.withLock('x', () => a.withLock('y', () => 'x then y', { wait: 1000 }))),
      timed(b.withLock('y', () => b.withLock('x', () => 'y then x', { wait: 1000 }))),
    ]);

    for (const { error, value } of both) {
      if (value === undefined) expect(error).toMatchObject({ code: 'LOCK_TIMEOUT' });
    }
    expect(await a.tryAcquire('x')).not.toBeNull();
    expect(await a.tryAcquire('y')).not.toBeNull();
  });
});

describe('current', () => {
  it('is the innermost lock of the context, or that of the key', async () => {
    expect(a.current()).toBeUndefined();
    await a.withLock('x', async (x) => {
      expect(a.current()).toBe(x);
      await a.withLock('y', async (y) => {
        await Promise.resolve();
        expect(a.current()).toBe(y);
        expect(a.current('x')).toBe(x);
        expect(a.current('z')).toBeUndefined();
        expect(b.current()).toBeUndefined();
      });
      expect(a.current()).toBe(x);
      await a.withLock('x', (nested) => expect(a.current()).toBe(nested));
    });
    expect(a.current()).toBeUndefined();
  });

  it('does not leak into what runs beside it', async () => {
    const inside = new Gate<Lock>();
    const leave = new Gate();
    const section = a.withLock('x', async (lock) => {
      inside.open(lock);
      await leave.passed;
    });
    await inside.passed;

    expect(a.current()).toBeUndefined();

    leave.open();
    await section;
  });

  it('is gone for what runs on after the section', async () => {
    const later = new Gate();
    let seen: Promise<Lock | undefined> = Promise.resolve(undefined);
    await a.withLock('x', () => {
      seen = later.passed.then(() => a.current());
    });
    later.open();

    expect(await seen).toBeUndefined();
  });
});

function waits(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'waits'));
}
