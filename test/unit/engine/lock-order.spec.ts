import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { OptionReader } from '../../../lib/engine/api/option-reader.js';
import { readSettings, resolveRequest } from '../../../lib/engine/api/lock-options.check.js';
import type { LockKey } from '../../../lib/engine/api/lock-key.js';
import type { LockOptions } from '../../../lib/engine/api/lock-options.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { Processes } from './processes.js';

let manager: LockManager;
let warned: string[];

beforeEach(() => {
  ({ manager } = new Processes().open({ lockOrderWatch: true }));
  warned = [];
  manager.order?.listen((warning) => warned.push(warning));
});

/** A call of a method that is decorated with a template. */
function locked<T>(
  template: string,
  key: LockKey,
  task: () => Promise<T> | T,
  options: LockOptions = {},
): Promise<T> {
  const label = `of ${template}`;
  const request = resolveRequest({ label, ...options }, manager.settings, { template });
  return manager.runLocked(key, request, task);
}

/** Takes locks inside each other, the first one outermost, by `template=key`. */
async function nest(...[first, ...others]: string[]): Promise<void> {
  if (first === undefined) return;
  const [template = '', key = ''] = first.split('=');
  await locked(template, key, () => nest(...others));
}

describe('locks that are taken inside each other', () => {
  it('in both orders are told once, with both templates and the labels of all four calls', async () => {
    await nest('order:{0}=order:7', 'stock:{0}=stock:1');
    expect(warned).toEqual([]);

    await nest('stock:{0}=stock:2', 'order:{0}=order:8');
    await nest('stock:{0}=stock:3', 'order:{0}=order:9');
    await nest('order:{0}=order:7', 'stock:{0}=stock:1');

    expect(warned).toHaveLength(1);
    expect(warned[0]).toContain(
      '"order:{0}" (of order:{0}) inside "stock:{0}" (of stock:{0}), and "stock:{0}" (of stock:{0}) inside',
    );
    expect(warned[0]).not.toMatch(/order:[789]|stock:[123]/);
  });

  it('in one order are as they should be, however often', async () => {
    for (let i = 0; i < 3; i += 1) await nest(`a:{0}=a:${i}`, `b:{0}=b:${i}`, `c:{0}=c:${i}`);
    await nest('a:{0}=a:1', 'c:{0}=c:1');

    expect(warned).toEqual([]);
  });

  it('are known with those further out', async () => {
    await nest('a:{0}=a:1', 'b:{0}=b:1', 'c:{0}=c:1');
    await nest('c:{0}=c:2', 'a:{0}=a:2');

    expect(warned).toEqual([expect.stringContaining('"a:{0}"')]);
  });

  it('of one template are no order of two', async () => {
    await nest('account:{0}=account:1', 'account:{0}=account:2');
    await nest('account:{0}=account:2', 'account:{0}=account:1');

    expect(warned).toEqual([]);
  });

  it('of several templates each count', async () => {
    await nest('a:{0}, b:{0}=a:1', 'c:{0}=c:1');
    await nest('c:{0}=c:2', 'b:{0}=b:2');

    expect(warned).toEqual([expect.stringContaining('"b:{0}"')]);
  });

  it('do not count when they re-enter', async () => {
    await nest('a:{0}=a:1', 'b:{0}=b:1', 'a:{0}=a:1', 'b:{0}=b:1');

    expect(warned).toEqual([]);
  });

  it('do not count for those keys of a call that it re-enters for', async () => {
    await locked('a:{0}', 'a:1', () =>
      locked('c:{0}', 'c:1', () => locked('a:{0}, b:{0}', ['a:1', 'b:1'], () => {})),
    );
    expect(warned).toEqual([]);

    await nest('b:{0}=b:2', 'c:{0}=c:2');
    expect(warned).toEqual([expect.stringContaining('"b:{0}"')]);
  });

  it('do not count when the outer one was given back before', async () => {
    await nest('a:{0}=a:1', 'b:{0}=b:1');
    const later: (() => Promise<void>)[] = [];
    await locked('b:{0}', 'b:1', () => void later.push(() => nest('a:{0}=a:2')));
    await later[0]!();

    expect(warned).toEqual([]);
  });

  it('do not count when the inner call takes one try, which keeps nobody waiting', async () => {
    await nest('a:{0}=a:1', 'b:{0}=b:1');
    await locked('b:{0}', 'b:1', () => locked('a:{0}', 'a:1', () => {}, { wait: 0 }));

    expect(warned).toEqual([]);
  });

  it('by LockService count by a key of letters alone, and by no other, which may be filled in', async () => {
    const m = manager;
    await m.withLock('orders', () => m.withLock('stock', () => {}), { label: 'one' });
    await m.withLock('order:anna', () => m.withLock('user:7', () => {}));
    await m.withLock('user:7', () => m.withLock('order:anna', () => {}));
    for (const [outer, inner] of [
      ['user:anna', 'user:bob'],
      ['user-anna', 'user-bob'],
      ['user.anna', 'user_anna'],
      ['user7', 'user8'],
    ] as const) {
      await m.withLock(outer, () => m.withLock(inner, () => {}));
      await m.withLock(inner, () => m.withLock(outer, () => {}));
    }
    expect(warned).toEqual([]);

    await m.withLock('stock', () => m.withLock('orders', () => {}, { label: 'two' }));

    expect(warned).toHaveLength(1);
    expect(warned[0]).toContain(
      '"orders" (two) inside "stock", and "stock" inside "orders" (one).',
    );
  });

  it('are remembered up to a bound', async () => {
    await locked('outer', 'outer', async () => {
      for (let i = 0; i < 1000; i += 1) await nest(`t${i}:{0}=t:${i}`);
    });
    await nest('late:{0}=late:1', 'later:{0}=later:1');
    await nest('later:{0}=later:1', 'late:{0}=late:1');
    expect(warned).toEqual([]);
  });
});

describe('the watch', () => {
  const before = process.env['NODE_ENV'];
  afterEach(() => {
    process.env['NODE_ENV'] = before;
    jest.restoreAllMocks();
  });

  it.each([
    ['production', undefined, false],
    ['production', true, true],
    ['test', undefined, true],
    ['development', false, false],
  ])('in %s, with lockOrderWatch: %s, is on: %s', (environment, lockOrderWatch, isOn) => {
    process.env['NODE_ENV'] = environment;
    const settings = readSettings(new OptionReader({ lockOrderWatch }));

    expect(settings.lockOrderWatch).toBe(isOn);
    expect(new Processes().open({ lockOrderWatch }).manager.order !== undefined).toBe(isOn);
  });

  it('warns the process where no log listens', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    ({ manager } = new Processes().open({ lockOrderWatch: true }));
    await nest('a:{0}=a:1', 'b:{0}=b:1');
    await nest('b:{0}=b:1', 'a:{0}=a:1');

    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('in both orders'), { type: 'LockWarning', code: 'LOCK_ORDER' }],
    ]);
  });

  it('that is off sees nothing', async () => {
    ({ manager } = new Processes().open({ lockOrderWatch: false }));
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await nest('a:{0}=a:1', 'b:{0}=b:1');
    await nest('b:{0}=b:1', 'a:{0}=a:1');

    expect(warn).not.toHaveBeenCalled();
  });
});
