import { beforeEach, describe, expect, it } from '@jest/globals';

import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

const READ = { mode: 'shared', wait: 60_000 } as const;
const WRITE = { wait: 60_000 } as const;

let processes: Processes;
let a: Process;
let b: Process;
let c: Process;

beforeEach(async () => {
  processes = new Processes();
  a = processes.open();
  b = processes.open();
  c = processes.open();
});

function advance(ms: number): Promise<void> {
  return processes.clock.advance(ms);
}

describe('a writer that waits behind readers', () => {
  it('goes before readers that come later, as long as its process lives', async () => {
    const reader = await a.manager.acquire('k', READ);
    const writer = new Call(b.manager, WRITE);
    await advance(10);
    const later = [new Call(c.manager, READ), new Call(a.manager, READ)];
    await advance(20_000);
    expect(later.map(({ lock }) => lock)).toEqual([undefined, undefined]);

    await reader.release();
    await advance(1);

    expect(writer.lock).toBeDefined();
    expect(later.map(({ lock }) => lock)).toEqual([undefined, undefined]);
    await writer.lock?.release();
    await advance(1);
    for (const { lock } of later) expect(lock?.fencingToken).toBeGreaterThan(0);
  });

  it.each(['its own first answer', 'the answer to its question'])(
    'keeps its place when the word to show that it lives overtakes %s',
    async (which) => {
      const late = async <T>(reply: Promise<T>): Promise<T> => {
        await processes.after(50);
        return reply;
      };
      const reader = await a.manager.acquire('k', READ);
      if (which === 'its own first answer') b.store.onAcquire = (_, next) => late(next());
      else b.store.onPoll = (_, next) => late(next());
      const writer = new Call(b.manager, WRITE);
      await advance(which === 'its own first answer' ? 10 : 2510);
      const later = new Call(c.manager, READ);
      await advance(5000);
      expect(later.lock).toBeUndefined();

      await reader.release();
      await advance(100);

      expect(writer.lock).toBeDefined();
      expect(later.lock).toBeUndefined();
      await writer.lock?.release();
      await advance(100);
      await later.lock?.release();
    },
  );

  it('delays readers by 2.5 s at most once its process is dead', async () => {
    await a.manager.acquire('k', READ);
    const writer = new Call(b.manager, WRITE);
    const early = new Call(c.manager, READ);
    await advance(7000);
    expect(early.lock).toBeUndefined();

    b.store.onPoll = () => new Promise(() => undefined);
    await advance(2500);

    expect(writer.lock).toBeUndefined();
    expect(early.lock).toBeDefined();
  });

  it('delays readers that take one try by no more either', async () => {
    await a.manager.acquire('k', READ);
    const writer = new Call(b.manager, WRITE);
    await advance(10);
    b.store.onPoll = () => new Promise(() => undefined);
    await advance(10);

    expect(await c.manager.tryAcquire('k', { mode: 'shared' })).toBeNull();
    await advance(2500);

    expect(await c.manager.tryAcquire('k', { mode: 'shared' })).not.toBeNull();
    expect(await c.manager.tryAcquire(['k', 'l'], { mode: 'shared' })).not.toBeNull();
    expect(writer.lock).toBeUndefined();
  });

  it('has its old place when it was silent for a while and lives', async () => {
    const reader = await a.manager.acquire('k', READ);
    const writer = new Call(b.manager, WRITE);
    await advance(10);
    const passing = new Call(c.manager, READ);
    const { onPoll } = b.store;
    b.store.onPoll = async (_, next) => {
      await processes.after(3000);
      return next();
    };
    await advance(2500);
    expect(passing.lock).toBeDefined();
    const behind = new Call(c.manager, WRITE);
    b.store.onPoll = onPoll;
    await advance(4000);

    await Promise.all([reader.release(), passing.lock?.release()]);
    await advance(1);

    expect(writer.lock).toBeDefined();
    expect(behind.lock).toBeUndefined();
  });
});

describe('readers that join others of their process', () => {
  it('ask for their numbers together, and are no renewal to those that listen each time', async () => {
    const told: unknown[] = [];
    a.manager.events.on('renewed', (event) => told.push(event));
    const first = await a.manager.acquire('k', READ);
    a.store.log.length = 0;

    const batch = Array.from({ length: 10 }, () => new Call(a.manager, READ));
    await advance(1);
    expect(batch.every(({ lock }) => lock !== undefined)).toBe(true);
    expect(a.store.log.length).toBeLessThanOrEqual(2);
    for (let i = 0; i < 50; i += 1) {
      await advance(1);
      await (await a.manager.acquire('k', READ)).release();
    }

    expect(told.length).toBeLessThanOrEqual(11);
    for (const { lock } of batch) await lock?.release();
    await first.release();
  });

  it('do not enter while Redis does not answer, and others hold on', async () => {
    const first = await a.manager.acquire('k', READ);
    await advance(10);
    a.store.onRenew = () => new Promise(() => undefined);
    const late = new Call(a.manager, { ...READ, wait: 500 });
    await advance(510);

    expect(late.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    first.assertHeld();
  });
});
