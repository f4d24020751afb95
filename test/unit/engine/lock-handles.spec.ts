import { inspect } from 'node:util';

import { beforeEach, describe, expect, it } from '@jest/globals';

import type { Lock } from '../../../lib/engine/api/lock.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { Child } from '../../support/child.js';
import { Processes } from './processes.js';
import type { Process } from './processes.js';

let process: Process;
let manager: LockManager;
let token: string;

beforeEach(() => {
  const processes = new Processes();
  process = processes.open();
  ({ manager } = process);
  token = '';
  process.store.onAcquire = (command, next) => {
    ({ token } = command);
    return next();
  };
});

/** What a task of `withLock` is given. */
function inSection(nested: (lock: Lock) => Promise<Lock>): Promise<Lock> {
  let lock: Lock | undefined;
  return manager
    .withLock('k', async (outer) => {
      lock = await nested(outer);
    })
    .then(() => lock as Lock);
}

describe.each<[string, () => Promise<Lock>]>([
  ['acquired', () => manager.acquire('k')],
  ['tried', async () => (await manager.tryAcquire('k')) as Lock],
  ['of a section', () => inSection(async (outer) => outer)],
  ['that is current', () => inSection(async () => manager.current() as Lock)],
  ['that was re-entered', () => inSection(() => manager.acquire('k'))],
  ['of a nested section', () => inSection(() => manager.withLock('k', (inner) => inner))],
])('a lock %s', (_, take) => {
  it('shows its keys, fencing number and what is left, and never its token', async () => {
    const lock = take();
    const shown = await lock;
    const facts = {
      keys: ['k'],
      fencingToken: shown.fencingToken,
      remainingMs: shown.remainingMs,
    };

    expect(JSON.parse(JSON.stringify({ shown }))).toEqual({ shown: facts });
    expect(inspect(shown)).toContain(`fencingToken: ${shown.fencingToken}`);
    const all = [
      JSON.stringify(shown),
      inspect(shown, { depth: 9, showHidden: true }),
      JSON.stringify({ ...shown }),
      inspect({ ...shown }, { depth: 9 }),
    ].join();
    expect(token).not.toBe('');
    expect(all).not.toContain(token.slice(0, 16));
    // Nothing else is spread: not the engine, nor other callers' locks.
    expect(Object.keys(shown).filter((name) => name !== 'keys')).toEqual([]);
  });
});

describe('a lock of several keys', () => {
  it('has no more than its keys to show, when it is spread too', async () => {
    const nothing = { signal: new AbortController().signal };

    await manager.withLock(
      ['k', 'l'],
      (lock) => expect({ ...lock }).toEqual({ keys: lock.keys }),
      nothing,
    );
    const shown = await manager.withLock(['k', 'l'], (lock) => JSON.stringify({ ...lock, lock }));

    expect(JSON.parse(shown)).toMatchObject({ keys: ['k', 'l'], lock: { keys: ['k', 'l'] } });
  });
});

describe('one AbortSignal', () => {
  it('serves any number of waits, nested ones too, without a warning of Node', async () => {
    const child = closing(Child.start('one-signal.mjs'));

    expect(await child.next('waited')).toMatchObject({ warnings: [], listeners: 0 });
  });
});
