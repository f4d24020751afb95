import { hostname } from 'node:os';

import { beforeEach, describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { holderOf } from '../../../lib/engine/store/holder-of.js';
import { TokenMint } from '../../../lib/engine/store/token.js';
import { timed } from '../../support/timed.js';
import { Call, Processes } from './processes.js';

let processes: Processes;
let a: LockManager;
let events: unknown[];

beforeEach(() => {
  processes = new Processes();
  a = processes.open().manager;
  events = [];
  a.events.on('timeout', (event) => events.push(event));
});

describe('a call that finds the lock busy', () => {
  it('is told which caller of this process has it, and for how long', async () => {
    await a.acquire('k', { label: 'Orders.pay', ttl: 30_000 });
    await processes.clock.advance(100);
    const call = new Call(a, { wait: 400 });
    await processes.clock.advance(401);

    const holder = { label: 'Orders.pay', host: hostname(), pid: process.pid, isHere: true };
    expect(call.error).toMatchObject({ holder: { ...holder, heldMs: 500 } });
    expect(String(call.error)).toMatch(
      /still held after waiting 400 ms, by Orders\.pay in this process, for 500 ms; 2\d{4} ms of its lease are left\. Raise wait/,
    );
    expect(events).toMatchObject([{ key: 'k', waitedMs: 400, holder }]);
  });

  it('that does not wait is told the same', async () => {
    await a.acquire('k', { label: 'Orders.pay' });
    const { error } = await timed(a.acquire('k', { wait: 0 }));

    expect(String(error)).toMatch(
      /is held by Orders\.pay in this process, for 0 ms; .* did not wait/,
    );
    expect(events).toMatchObject([{ holder: { label: 'Orders.pay' } }]);
  });

  it.each([0, 300])(
    'of another process is told by its token, after waiting %d ms',
    async (wait) => {
      const b = processes.open().manager;
      await b.acquire('k', { label: 'Cron.tick', ttl: 30_000 });
      const call = new Call(a, { wait });
      await processes.clock.advance(301);

      const holder = { label: 'Cron.tick', host: hostname(), pid: process.pid };
      expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT', holder });
      expect(events).toMatchObject([{ holder }]);
    },
  );

  it('is told which re-entry has the turn, when a sibling waits for it', async () => {
    await a.withLock('k', async () => {
      const nested = await a.acquire('k', { label: 'first' });
      const second = await timed(a.acquire('k', { wait: 0 }));
      expect(second.error).toMatchObject({ holder: { label: 'first', isHere: true } });
      await nested.release();
    });
  });

  it('is told nothing of a holder while only the rest of a minHold runs on', async () => {
    await a.withLock('k', () => {}, { minHold: 5000 });
    const { error } = await timed(a.acquire('k', { wait: 0 }));

    expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', holder: undefined });
    expect(String(error)).toContain('is held by somebody else');
  });
});

describe('a holder that is read from its token', () => {
  it('is another process when its host or pid is another', () => {
    const token = new TokenMint().next(2000, 1, 'x');

    expect(holderOf(token, 1)).toMatchObject({ label: 'x', isHere: true });
    expect(holderOf(token.replace(`.${process.pid}.`, '.1.'), 1)).toMatchObject({ isHere: false });
  });

  it('of another program has no name', () => {
    expect(holderOf('', 500)).toEqual({
      label: '',
      host: '',
      pid: 0,
      leaseLeftMs: 500,
      isHere: false,
    });
  });
});
