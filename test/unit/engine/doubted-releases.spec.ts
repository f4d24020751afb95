import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import type { ReleaseCommand, ReleaseReply } from '../../../lib/engine/store/lock-store.js';
import { Gate } from '../../support/gate.js';
import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

let processes: Processes;
let a: Process;
let b: Process;
let sent: ReleaseCommand[];

beforeEach(() => {
  processes = new Processes();
  a = processes.open();
  b = processes.open();
  sent = [];
});

function holder(): string {
  return processes.space.holder('k')!.token;
}

/** A waiter asks its holder whether it is still one. */
function doubt(token: string): void {
  a.store.listener!.doubted(token, 'k');
}

/** What is sent to Redis for a token lies there until the gate opens; a release that is sent later overtakes it. */
function delay<Reply>(
  pass: Gate,
): (command: unknown, next: () => Promise<Reply>) => Promise<Reply> {
  let isFirst = true;
  return async (_, next) => {
    const waits = isFirst;
    isFirst = false;
    if (waits) await pass.passed;
    return next();
  };
}

describe('a lock whose release is on its way while a waiter doubts its holder', () => {
  it('is released once, and told as released', async () => {
    const lock = await a.manager.acquire('k');
    const token = holder();
    const pass = new Gate();
    const late = delay<ReleaseReply>(pass);
    a.store.onRelease = (command, next) => {
      sent.push(command);
      return late(command, next);
    };
    const call = new Call(b.manager);
    const released = lock.release();

    doubt(token);
    await processes.clock.advance(10);
    pass.open();

    expect(await released).toBe('released');
    expect(sent).toHaveLength(1);
    await call.settled;
    expect(call.lock).toBeDefined();
  });

  it('stays locked for its minHold', async () => {
    const lock = await a.manager.acquire('k', { minHold: 5000 });
    const token = holder();
    const pass = new Gate();
    a.store.onRelease = delay(pass);
    const call = new Call(b.manager, { wait: 60_000 });
    const released = lock.release();

    doubt(token);
    await processes.clock.advance(10);
    pass.open();

    expect(await released).toBe('released');
    await processes.clock.advance(4900);
    expect(call.lock).toBeUndefined();
    await processes.clock.advance(200);
    expect(call.lock).toBeDefined();
  });

  it('stays locked for its minHold when the release failed, and is to be repeated', async () => {
    const lock = await a.manager.acquire('k', { minHold: 5000 });
    const token = holder();
    a.store.onRelease = () => Promise.reject(new LockUnavailableError(['k'], 'silent.'));
    await expect(lock.release()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    a.store.onRelease = (_, next) => next();
    const call = new Call(b.manager, { wait: 60_000 });

    doubt(token);
    await processes.clock.advance(4900);

    expect(call.lock).toBeUndefined();
    await processes.clock.advance(200);
    expect(call.lock).toBeDefined();
  });

  it('is given back once more when its release was not heard', async () => {
    const lock = await a.manager.acquire('k');
    const token = holder();
    a.store.onRelease = async () => 'released';
    await lock.release();
    a.store.onRelease = (_, next) => next();
    const call = new Call(b.manager);

    doubt(token);
    await processes.clock.advance(1);

    expect(call.lock).toBeDefined();
  });
});

describe('a lock that passes on, or is detached, while a waiter doubts its holder', () => {
  it('passes on to another process in one step, and is told as released', async () => {
    const lock = await a.manager.acquire('k');
    const token = holder();
    const theirs = new Call(b.manager);
    await processes.clock.advance(1);
    const ours = new Call(a.manager);
    const pass = new Gate();
    a.store.onAcquire = delay(pass);
    a.store.onRelease = (command, next) => {
      sent.push(command);
      return next();
    };
    const released = await passOn(lock);

    doubt(token);
    await processes.clock.advance(10);

    expect(sent.filter((command) => command.token === token)).toEqual([]);
    pass.open();
    await processes.clock.advance(10);
    expect(await released.outcome).toBe('released');
    expect(theirs.lock).toBeDefined();
    await theirs.lock!.release();
    await processes.clock.advance(10);
    expect(ours.lock).toBeDefined();
  });

  it('is detached all the same', async () => {
    const lock = await a.manager.acquire('k');
    const token = holder();
    const pass = new Gate();
    a.store.onMove = delay(pass);
    const detached = lock.detach();
    await processes.clock.advance(1);

    doubt(token);
    await processes.clock.advance(10);
    pass.open();

    await using attached = await b.manager.attach(await detached);
    attached.assertHeld();
  });
});

/** Ends a turn: another process has waited for longer than one may take. */
async function passOn(lock: Lock): Promise<{ readonly outcome: Promise<string> }> {
  await processes.clock.advance(1000);
  return { outcome: lock.release() };
}
