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
