import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { LockOptions } from '../../../lib/engine/api/lock-options.js';
import { NotAppliedError } from '../../../lib/engine/store/lock-store.js';
import { Gate } from '../../support/gate.js';
import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

const READ = { mode: 'shared' } as const;
const FIVE = { permits: 5 } as const;

let processes: Processes;
let a: Process;
let b: Process;

beforeEach(() => {
  processes = new Processes();
  a = processes.open();
  b = processes.open();
});

function advance(ms: number): Promise<void> {
  return processes.clock.advance(ms);
}

/** Names of what a process is told, and of the key and label. */
function eventsOf({ manager }: Process): string[] {
  const told: string[] = [];
  for (const name of ['acquired', 'released', 'lost', 'release-failed', 'unavailable'] as const)
    manager.events.on(name, ({ key, label }) => told.push(`${name} ${key} ${label}`));
  return told;
}

async function detached(options: LockOptions = {}): Promise<string> {
  return (await a.manager.acquire('k', options)).detach();
}

describe('a lock that is detached', () => {
  it('ends its handle, and stays held', async () => {
    const told = eventsOf(a);
    const lock = await a.manager.acquire('k', { label: 'request' });
    const { signal } = lock;

    await lock.detach();

    expect(lock.remainingMs).toBe(0);
    expect(() => lock.assertHeld()).toThrow(/it was detached\./);
    await expect(lock.extend()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await expect(lock.detach()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await lock.release()).toBe('released');
    expect(await b.manager.tryAcquire('k')).toBeNull();
    await advance(29_000);
    expect(await b.manager.tryAcquire('k')).toBeNull();
    expect(signal.aborted).toBe(false);
    expect(told).toEqual(['acquired k request']);
  });

  it('is shown to be held by the call that detached it', async () => {
    await detached({ label: 'request' });

    expect(await b.manager.inspect('k')).toMatchObject({
      holders: [{ label: 'request', pid: process.pid, ttlMs: 30_000 }],
    });
    await expect(b.manager.acquire('k', { wait: 0 })).rejects.toMatchObject({
      holder: { label: 'request' },
    });
  });

  it('has a full lease from there, and ends with it when nobody attaches it', async () => {
    const lock = await a.manager.acquire('k', { ttl: 5000, renew: false });
    await advance(4000);
    await lock.detach();
    const waiting = new Call(b.manager, { wait: 60_000 });

    await advance(4900);
    expect(waiting.lock).toBeUndefined();
    await advance(200);
    expect(waiting.lock).toBeDefined();
  });

  it('is not given back by the end of its section, whose task has not failed', async () => {
    const ticket = await a.manager.withLock('k', (lock) => lock.detach());

    expect(await b.manager.tryAcquire('k')).toBeNull();
    const lock = await b.manager.attach(ticket);
    expect(await lock.release()).toBe('released');
  });

  it('is no lock of its section any more: a call inside waits like anybody', async () => {
    await a.manager.withLock('k', async (lock) => {
      await lock.detach();
      expect(a.manager.current('k')).toBeUndefined();
      expect(await a.manager.tryAcquire('k')).toBeNull();
    });
  });

  it('is given back by a doubt of nobody: its process knows it no more than others', async () => {
    const ticket = await detached();
    const waiting = new Call(b.manager, { wait: 60_000 });
    await advance(10_000);

    expect(waiting.lock).toBeUndefined();
    const lock = await a.manager.attach(ticket);
    await lock.release();
    await advance(1);
    expect(waiting.lock).toBeDefined();
  });

  it('is not handed to the callers of its process that wait behind it', async () => {
    const lock = await a.manager.acquire('k');
    const local = new Call(a.manager, { wait: 60_000 });
    const ticket = await lock.detach();
    await advance(1000);

    expect(local.lock).toBeUndefined();
    const attached = await b.manager.attach(ticket);
    await advance(1000);
    expect(local.lock).toBeUndefined();
    await attached.release();
    await advance(1);
    expect(local.lock!.fencingToken).toBeGreaterThan(attached.fencingToken);
  });

  it('stays held when its process closes', async () => {
    const ticket = await detached();
    await a.manager.close();

    const lock = await b.manager.attach(ticket);
    expect(lock.remainingMs).toBeGreaterThan(0);
  });

  it('does not hold up the shutdown of its process', async () => {
    const patient = processes.open({ shutdownTimeout: 60_000 });
    const lock = await patient.manager.acquire('k');
    let closed = false;
    void patient.manager.close().then(() => (closed = true));
    await advance(100);
    expect(closed).toBe(false);

    await lock.detach();
    await advance(1);

    expect(closed).toBe(true);
  });

  it('leaves no timer behind', async () => {
    await (await a.manager.acquire('k')).release();
    const before = processes.clock.pending;
    const ticket = await detached({ maxHold: 60_000 });
    expect(processes.clock.pending).toBe(before);

    await (await a.manager.attach(ticket, { maxHold: 60_000 })).release();
    expect(processes.clock.pending).toBe(before);
  });

  it('is refused when it is lost already, and its loss was told', async () => {
    const told = eventsOf(a);
    const lock = await a.manager.acquire('k');
    const { signal } = lock;
    await b.manager.forceRelease('k');
    await advance(1);

    expect(signal.aborted).toBe(true);
    await expect(lock.detach()).rejects.toBe(signal.reason);
    expect(told).toEqual(['acquired k ', 'lost k ']);
  });

  it('is refused when Redis had it no longer, and that is told', async () => {
    const told = eventsOf(a);
    const lock = await a.manager.acquire('k');
    processes.space.free('k');

    await expect(lock.detach()).rejects.toMatchObject({ code: 'LOCK_LOST', keys: ['k'] });

    expect(await lock.release()).toBe('lost');
    expect(told).toEqual(['acquired k ', 'lost k ']);
  });
});

describe('a lock that was re-entered', () => {
  it('is detached by the code that took it alone', async () => {
    await a.manager.withLock('k', async (outer) => {
      await a.manager.withLock('k', async (inner) => {
        await expect(inner.detach()).rejects.toMatchObject({
          code: 'LOCK_CONFIG',
          message: expect.stringContaining('the code around holds it'),
        });
        await expect(outer.detach()).rejects.toMatchObject({
          code: 'LOCK_CONFIG',
          message: expect.stringContaining('has not released it yet'),
        });
        expect(inner.remainingMs).toBeGreaterThan(0);
      });
      outer.assertHeld();
      await b.manager.attach(await outer.detach());
    });
  });
});

describe('a detach that Redis does not answer', () => {
  it('is asked again, and counts once it was done', async () => {
    let lost = 2;
    a.store.onMove = async (_, next) => {
      const reply = await next();
      if ((lost -= 1) >= 0) throw new LockUnavailableError(['k'], 'cut.');
      return reply;
    };
    const lock = await a.manager.acquire('k');
    const detaching = lock.detach();
    await advance(2000);

    expect(a.store.log.filter((name) => name === 'move')).toHaveLength(3);
    expect((await b.manager.attach(await detaching)).fencingToken).toBe(lock.fencingToken);
  });

  it.each([
    ['that may have been done', true],
    ['that was not done', false],
  ])('gives the whole back after wait: one %s', async (_, isDone) => {
    const told = eventsOf(a);
    const impatient = processes.open({ wait: 1000 });
    impatient.store.onMove = async (__, next) => {
      if (isDone) await next();
      throw isDone ? new LockUnavailableError(['k'], 'cut.') : new NotAppliedError(['k'], 'cut.');
    };
    const lock = await impatient.manager.acquire('k');
    const failing = expect(lock.detach()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await advance(2000);
    await failing;

    expect(await lock.release()).toBe('lost');
    expect(await b.manager.tryAcquire('k')).not.toBeNull();
    expect(told).toEqual([]);
  });

  it('is not repeated where the store answered that it can never work', async () => {
    a.store.onMove = undefined as never;
    Object.assign(a.store, { move: undefined });
    const lock = await a.manager.acquire('k');

    await expect(lock.detach()).rejects.toMatchObject({
      code: 'LOCK_CONFIG',
      message: expect.stringContaining('quorum'),
    });

    lock.assertHeld();
    expect(await lock.release()).toBe('released');
  });
});

describe('a lock that is attached', () => {
  it('is the same lock: key, fencing number, kind and label', async () => {
    const told = eventsOf(b);
    const before = await a.manager.acquire('k', { label: 'request', ...FIVE });
    const lock = await b.manager.attach(await before.detach());

    expect(lock.keys).toEqual(['k']);
    expect(lock.fencingToken).toBe(before.fencingToken);
    expect(await b.manager.inspect('k')).toMatchObject({
      permits: 5,
      holders: [{ label: 'request' }],
    });
    await lock.release();
    expect(told).toEqual(['acquired k request', 'released k request']);
  });

  it('is renewed, with a ttl and a label of its own', async () => {
    const lock = await b.manager.attach(await detached({ ttl: 1000 }), { ttl: 3000, label: 'job' });
    await advance(60_000);

    lock.assertHeld();
    const [holder] = (await a.manager.inspect('k'))!.holders;
    expect(holder).toMatchObject({ label: 'job' });
    expect(holder!.ttlMs).toBeGreaterThan(1500);
    expect(holder!.ttlMs).toBeLessThanOrEqual(3000);
  });

  it('ends after its ttl when it is not renewed', async () => {
    const lock = await b.manager.attach(await detached(), { ttl: 1000, renew: false });
    await advance(900);
    lock.assertHeld();
    await advance(29_000);
    expect(lock.remainingMs).toBe(0);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
  });

  it('is lost after its maxHold', async () => {
    const lock = await b.manager.attach(await detached(), { maxHold: 5000 });
    await advance(5001);

    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    expect(await a.manager.tryAcquire('k')).not.toBeNull();
  });

  it('goes to those that waited before, in their order', async () => {
    const lock = await a.manager.acquire('k');
    const c = processes.open();
    const waiting = [new Call(c.manager, { wait: 60_000 }), new Call(b.manager, { wait: 60_000 })];
    await advance(1);
    const attached = await b.manager.attach(await lock.detach());
    await advance(1);
    await attached.release();
    await advance(1);

    expect(waiting.map((call) => call.lock !== undefined)).toEqual([true, false]);
    await waiting[0]!.lock!.release();
    await advance(1);
    expect(waiting[1]!.lock!.fencingToken).toBeGreaterThan(waiting[0]!.lock!.fencingToken);
  });

  it('is told at once that an operator takes it', async () => {
    const lock = await b.manager.attach(await detached());
    const { signal } = lock;

    expect(await a.manager.forceRelease('k')).toBe(true);
    await advance(1);

    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST' });
  });

  it('may be detached again', async () => {
    const again = await (await b.manager.attach(await detached())).detach();

    const lock = await a.manager.attach(again);
    expect(await lock.release()).toBe('released');
    expect(await b.manager.tryAcquire('k')).not.toBeNull();
  });

  it('is released when its process closes', async () => {
    const lock = await b.manager.attach(await detached());
    const { signal } = lock;
    const closing = b.manager.close();
    await advance(1);
    await closing;

    expect(signal.aborted).toBe(true);
    expect(await a.manager.tryAcquire('k')).not.toBeNull();
  });
});

describe('a ticket', () => {
  it('is used once', async () => {
    const ticket = await detached();
    const lock = await b.manager.attach(ticket);

    await expect(a.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_LOST',
      message: expect.stringContaining('its ticket had been used'),
    });

    lock.assertHeld();
    await lock.release();
    await expect(a.manager.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await a.manager.tryAcquire('k')).not.toBeNull();
  });

  it('is used once by callers that attach at the same time', async () => {
    const ticket = await detached();
    const calls = [a, b, b, a].map(({ manager }) => manager.attach(ticket));

    const settled = await Promise.allSettled(calls);

    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await a.manager.inspect('k')).toMatchObject({ holders: [{}] });
  });

  it('is worth nothing once the lease is over', async () => {
    const ticket = await detached({ ttl: 1000 });
    await advance(1001);

    await expect(b.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_LOST',
      keys: ['k'],
    });
    expect(await b.manager.tryAcquire('k')).not.toBeNull();
  });

  it('is worth nothing after the lock was taken by force, and harms nobody', async () => {
    const ticket = await detached();
    await a.manager.forceRelease('k');
    const next = await a.manager.acquire('k');

    await expect(b.manager.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    next.assertHeld();
    expect(await next.release()).toBe('released');
  });

  it('is none: that is told, with what is wrong with it', async () => {
    await expect(b.manager.attach('nonsense')).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
    await expect(
      b.manager.attach(await detached(), { wait: 5, ttl: 1 } as never),
    ).rejects.toMatchObject({
      problems: [expect.stringMatching(/^wait/), expect.stringMatching(/^ttl/)],
    });
  });
});

describe('an attach that Redis does not answer', () => {
  it('is asked again, and counts once it was done', async () => {
    const ticket = await detached();
    let lost = 2;
    b.store.onMove = async (_, next) => {
      const reply = await next();
      if ((lost -= 1) >= 0) throw new LockUnavailableError(['k'], 'cut.');
      return reply;
    };
    const attaching = b.manager.attach(ticket);
    await advance(2000);

    const lock = await attaching;
    lock.assertHeld();
    expect(b.store.log.filter((name) => name === 'move')).toHaveLength(3);
    await lock.release();
    expect(await a.manager.tryAcquire('k')).not.toBeNull();
  });

  it('ends with wait, and leaves the ticket as good as it was', async () => {
    const told = eventsOf(b);
    const ticket = await detached();
    const impatient = processes.open({ wait: 1000 });
    impatient.store.onMove = () => Promise.reject(new NotAppliedError(['k'], 'no connection.'));
    const failing = expect(impatient.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      message: expect.stringContaining('no connection.'),
    });
    await advance(1001);
    await failing;

    expect(told).toEqual([]);
    (await b.manager.attach(ticket)).assertHeld();
  });

  /** Keeps back the answers to moves that were carried out; returns what lets them go. */
  function holdAnswers({ store }: Process): Gate {
    const gate = new Gate();
    store.onMove = async (_, next) => {
      const reply = await next();
      await gate.passed;
      return reply;
    };
    return gate;
  }

  it.each<[string, (process: Process) => Promise<void>, string]>([
    ['its wait is over', () => advance(1001), 'LOCK_UNAVAILABLE'],
    ['its application closes', async ({ manager }) => manager.stopWaiting(), 'LOCK_SHUTDOWN'],
  ])('leaves the ticket as good as it was when %s before the answer', async (_, end, code) => {
    const ticket = await detached();
    const leaving = processes.open({ wait: 1000 });
    const gate = holdAnswers(leaving);
    const failing = expect(leaving.manager.attach(ticket)).rejects.toMatchObject({ code });
    await end(leaving);
    await failing;

    gate.open();
    await advance(1);

    expect(await b.manager.tryAcquire('k')).toBeNull();
    const lock = await b.manager.attach(ticket);
    lock.assertHeld();
    await expect(a.manager.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await lock.release();
    expect(await b.manager.tryAcquire('k')).not.toBeNull();
  });

  it('leaves the ticket as good as it was though all answers are lost', async () => {
    const ticket = await detached();
    const impatient = processes.open({ wait: 1000 });
    impatient.store.onMove = async (_, next) => {
      await next();
      throw new LockUnavailableError(['k'], 'cut.');
    };
    const failing = expect(impatient.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });
    await advance(3000);
    await failing;

    (await b.manager.attach(ticket)).assertHeld();
  });

  it('may be made again at once in the same process, and waits for what becomes of the first', async () => {
    const ticket = await detached();
    const impatient = processes.open({ wait: 1000 });
    const gate = holdAnswers(impatient);
    const failing = expect(impatient.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });
    await advance(1001);
    await failing;
    const again = impatient.manager.attach(ticket);
    await advance(100);
    gate.open();
    await advance(1);

    (await again).assertHeld();
    await expect(a.manager.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_LOST' });
  });

  it('is not handed to those that wait before the ticket is good again', async () => {
    const ticket = await detached();
    const waiting = new Call(b.manager, { wait: 60_000 });
    const impatient = processes.open({ wait: 1000 });
    const gate = holdAnswers(impatient);
    const failing = expect(impatient.manager.attach(ticket)).rejects.toBeDefined();
    await advance(6000);
    await failing;
    gate.open();
    await advance(1);

    expect(waiting.lock).toBeUndefined();
    await (await b.manager.attach(ticket)).release();
    await advance(1);
    expect(waiting.lock).toBeDefined();
  });

  it('is turned away by a shutdown at once', async () => {
    const ticket = await detached();
    b.store.onMove = () => new Promise(() => {});
    const attaching = expect(b.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_SHUTDOWN',
    });
    b.manager.stopWaiting();
    await attaching;

    await expect(b.manager.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
    (await a.manager.attach(ticket)).assertHeld();
  });
});

describe('the rest of a minHold', () => {
  it('runs on while the lock is on its way, and stands at the release', async () => {
    const lock = await a.manager.acquire('k', { minHold: 10_000 });
    await advance(2000);
    const ticket = await lock.detach();
    await advance(3000);
    const attached = await b.manager.attach(ticket);
    await advance(1000);
    await attached.release();
    const waiting = new Call(b.manager, { wait: 60_000 });

    await advance(3990);
    expect(waiting.lock).toBeUndefined();
    await advance(20);
    expect(waiting.lock).toBeDefined();
  });

  it('is over when the lock was attached for longer', async () => {
    const lock = await b.manager.attach(await detached({ minHold: 1000 }));
    await advance(1000);
    await lock.release();

    expect(await a.manager.tryAcquire('k')).not.toBeNull();
  });

  it('stands when nobody attaches, though it is longer than the lease', async () => {
    await detached({ ttl: 1000, minHold: 5000 });
    const waiting = new Call(b.manager, { wait: 60_000 });
    await advance(4990);
    expect(waiting.lock).toBeUndefined();
    await advance(20);
    expect(waiting.lock).toBeDefined();
  });
});

describe('one of several readers of a process', () => {
  it('goes with a lock of its own; the others stay', async () => {
    const [first, second] = [
      await a.manager.acquire('k', READ),
      await a.manager.acquire('k', READ),
    ];
    const ticket = await first.detach();

    second.assertHeld();
    expect((await b.manager.inspect('k'))!.holders).toHaveLength(2);
    const attached = await b.manager.attach(ticket);
    expect(attached.fencingToken).toBe(first.fencingToken);
    expect(await second.release()).toBe('released');
    expect(await a.manager.tryAcquire('k')).toBeNull();
    await attached.release();
    expect(await a.manager.tryAcquire('k')).not.toBeNull();
  });

  it('that is the last leaves nothing of its process', async () => {
    const first = await a.manager.acquire('k', READ);
    const ticket = await first.detach();
    const later = await a.manager.acquire('k', READ);
    expect((await b.manager.inspect('k'))!.holders).toHaveLength(2);
    await later.release();

    await (await b.manager.attach(ticket)).release();

    expect(await b.manager.inspect('k')).toBeNull();
  });
});

describe('a permit', () => {
  it('counts while it is on its way', async () => {
    const two = { permits: 2 };
    const first = await a.manager.acquire('k', two);
    await a.manager.acquire('k', two);
    const ticket = await first.detach();

    expect(await a.manager.tryAcquire('k', two)).toBeNull();
    const attached = await b.manager.attach(ticket);
    expect(await b.manager.tryAcquire('k', two)).toBeNull();
    await attached.release();
    expect(await b.manager.tryAcquire('k', two)).not.toBeNull();
  });
});
