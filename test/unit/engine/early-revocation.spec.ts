import { beforeEach, describe, expect, it } from '@jest/globals';

import type { LockKey } from '../../../lib/engine/api/lock-key.js';
import type { LockError } from '../../../lib/engine/api/errors.js';
import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

let processes: Processes;
let a: Process;
let b: Process;

beforeEach(() => {
  processes = new Processes();
  [a, b] = [processes.open(), processes.open()];
});

/** Answers come 50 ms after the store has done what was asked. */
async function late<T>(reply: Promise<T>): Promise<T> {
  const answer = await reply;
  await processes.after(50);
  return answer;
}

/** An operator takes the lock from a process that has not heard yet that it has it; another one gets it. */
async function takeAway(key = 'k'): Promise<Call> {
  await processes.clock.advance(10);
  expect(await b.manager.forceRelease(key)).toBe(true);
  const other = new Call(b.manager, {}, key);
  await processes.clock.advance(1);
  expect(other.lock).toBeDefined();
  return other;
}

describe('a lock that an operator takes before the answer that gave it is here', () => {
  it.each<[string, LockKey]>([
    ['one lock', 'k'],
    ['one of several', ['j', 'k']],
  ])('is not held: its caller waits its turn (%s)', async (_, keys) => {
    a.store.onAcquire = (_command, next) => late(next());
    a.store.onSet = (_command, next) => late(next());
    const call = new Call(a.manager, { wait: 10_000 }, keys);
    const other = await takeAway();
    await processes.clock.advance(1000);
    expect(call.lock).toBeUndefined();

    await other.lock?.release();
    await processes.clock.advance(1000);

    expect(call.lock?.fencingToken).toBeGreaterThan(other.lock!.fencingToken);
  });

  it('is not held when a question was to tell of it', async () => {
    await b.manager.acquire('k');
    a.store.onPoll = (_, next) => late(next());
    const call = new Call(a.manager, { wait: 60_000 });
    await processes.clock.advance(10);
    processes.space.free('k');
    while (!a.store.log.includes('poll')) await processes.clock.advance(5);
    const other = await takeAway();
    await processes.clock.advance(1000);

    expect(call.lock).toBeUndefined();
    await other.lock?.release();
  });

  it('is lost to the one that attaches it', async () => {
    const ticket = await (await b.manager.acquire('k')).detach();
    a.store.onMove = (_, next) => late(next());
    const attached = a.manager.attach(ticket).then(
      () => 'attached',
      (error: LockError) => error.code,
    );
    const other = await takeAway();
    await processes.clock.advance(1000);

    expect(await attached).toBe('LOCK_LOST');
    other.lock?.assertHeld();
  });
});
