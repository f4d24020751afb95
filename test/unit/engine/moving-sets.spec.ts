import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { Processes } from './processes.js';
import type { Process } from './processes.js';

const KEYS = ['account:1', 'account:2', 'account:3'];

let processes: Processes;
let a: Process;
let b: Process;

beforeEach(() => {
  processes = new Processes();
  a = processes.open();
  b = processes.open();
});

function eventsOf({ manager }: Process): string[] {
  const told: string[] = [];
  for (const name of ['acquired', 'released', 'lost', 'release-failed'] as const)
    manager.events.on(name, ({ keys, label }) => told.push(`${name} ${keys?.join()} ${label}`));
  return told;
}

/** Which of the keys are free for others. */
async function free(): Promise<string[]> {
  const held = await Promise.all(KEYS.map((key) => b.manager.inspect(key)));
  return KEYS.filter((_, i) => held[i] === null);
}

describe('a lock of several keys', () => {
  it('moves as a whole, with one ticket', async () => {
    const told = eventsOf(b);
    const lock = await a.manager.acquire(KEYS, { label: 'transfer' });
    const ticket = await lock.detach();

    expect(lock.remainingMs).toBe(0);
    expect(await lock.release()).toBe('released');
    expect(await free()).toEqual([]);
    const attached = await b.manager.attach(ticket);
    expect(attached).toMatchObject({ keys: KEYS, fencingToken: lock.fencingToken });
    await processes.clock.advance(120_000);
    attached.assertHeld();
    expect(await attached.release()).toBe('released');
    expect(await free()).toEqual(KEYS);
    expect(told.filter((each) => !each.startsWith('renewed'))).toEqual([
      `acquired ${KEYS.join()} transfer`,
      `released ${KEYS.join()} transfer`,
    ]);
  });

  it('is left held by the end of its section', async () => {
    const ticket = await a.manager.withLock(KEYS, (lock) => lock.detach());

    expect(await free()).toEqual([]);
    await (await b.manager.attach(ticket)).release();
    expect(await free()).toEqual(KEYS);
  });

  it('is attached once', async () => {
    const ticket = await (await a.manager.acquire(KEYS)).detach();
    const attached = await b.manager.attach(ticket);

    await expect(a.manager.attach(ticket)).rejects.toMatchObject({ code: 'LOCK_LOST', keys: KEYS });
    attached.assertHeld();
  });

  it('of which one key was taken meanwhile is lost as a whole', async () => {
    const ticket = await (await a.manager.acquire(KEYS)).detach();
    await a.manager.forceRelease('account:2');

    await expect(b.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_LOST',
      keys: KEYS,
      message: expect.stringContaining('"account:2" is gone'),
    });

    await processes.clock.advance(1);
    expect(await free()).toEqual(KEYS);
  });

  it.each<[string, (process: Process) => Promise<void>, string]>([
    ['its wait is over', () => processes.clock.advance(1001), 'LOCK_UNAVAILABLE'],
    ['its application closes', async ({ manager }) => manager.stopWaiting(), 'LOCK_SHUTDOWN'],
  ])("stays the ticket's as a whole when %s before all are attached", async (_, end, code) => {
    const ticket = await (await a.manager.acquire(KEYS)).detach();
    const leaving = processes.open({ wait: 1000 });
    leaving.store.onMove = (command, next) =>
      command.key === 'account:2'
        ? processes.after(500).then(() => {
            throw new LockUnavailableError(['account:2'], 'cut.');
          })
        : next();
    const failing = expect(leaving.manager.attach(ticket)).rejects.toMatchObject({
      code,
      keys: KEYS,
    });
    await processes.clock.advance(10);
    await end(leaving);
    await failing;
    await processes.clock.advance(1);

    expect(await free()).toEqual([]);
    const attached = await b.manager.attach(ticket);
    attached.assertHeld();
    await attached.release();
    expect(await free()).toEqual(KEYS);
  });

  it('of which one key was taken meanwhile leaves none held, though another is not answered for', async () => {
    const ticket = await (await a.manager.acquire(KEYS)).detach();
    await a.manager.forceRelease('account:2');
    const impatient = processes.open({ wait: 1000 });
    let silent = true;
    impatient.store.onMove = async (command, next) => {
      if (command.key === 'account:3' && silent) throw new LockUnavailableError([], 'cut.');
      return next();
    };
    const failing = expect(impatient.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_LOST',
      keys: KEYS,
    });
    await processes.clock.advance(1001);
    await failing;
    silent = false;
    await processes.clock.advance(3000);

    expect(await free()).toEqual(KEYS);
  });

  it('of which one key is taken after it was attached is lost as a whole', async () => {
    const attached = await b.manager.attach(await (await a.manager.acquire(KEYS)).detach());
    const { signal } = attached;
    await a.manager.forceRelease('account:2');
    await processes.clock.advance(1);

    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', keys: KEYS });
    expect(await free()).toEqual(KEYS);
  });

  it('that can not be detached as a whole is given back as a whole', async () => {
    const told = eventsOf(a);
    const impatient = processes.open({ wait: 1000 });
    const faults = eventsOf(impatient);
    impatient.store.onMove = (command, next) =>
      command.key === 'account:2'
        ? Promise.reject(new LockUnavailableError(['account:2'], 'cut.'))
        : next();
    const lock = await impatient.manager.acquire(KEYS);
    const failing = expect(lock.detach()).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      keys: KEYS,
    });
    await processes.clock.advance(2000);
    await failing;

    expect(await lock.release()).toBe('lost');
    await processes.clock.advance(1);
    expect(await free()).toEqual(KEYS);
    expect(told).toEqual([]);
    expect(faults).toEqual([`acquired ${KEYS.join()} `, `release-failed ${KEYS.join()} `]);
  });

  it('that re-enters a lock around it is not detached, nor is one that is re-entered', async () => {
    await a.manager.withLock('account:2', async () => {
      const lock = await a.manager.acquire(KEYS);
      await expect(lock.detach()).rejects.toMatchObject({ code: 'LOCK_CONFIG', keys: KEYS });
      lock.assertHeld();
      await lock.release();
    });
    await a.manager.withLock(KEYS, async (outer) => {
      const inner = await a.manager.acquire('account:1');
      await expect(outer.detach()).rejects.toMatchObject({ code: 'LOCK_CONFIG' });
      outer.assertHeld();
      await inner.release();
    });
    expect(await free()).toEqual(KEYS);
  });

  it('keeps the rest of its minHold, and is lost after the maxHold of its attachment', async () => {
    const lock = await a.manager.acquire(KEYS, { minHold: 10_000 });
    const attached = await b.manager.attach(await lock.detach(), { maxHold: 4000 });
    const { signal } = attached;
    await processes.clock.advance(4001);

    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', keys: KEYS });
    expect(await b.manager.tryAcquire('account:3')).toBeNull();
    await processes.clock.advance(6000);
    expect(await b.manager.tryAcquire('account:3')).not.toBeNull();
  });
});
