import { describe, expect, it } from '@jest/globals';

import { readSettings, resolveRequest } from '../../../lib/engine/api/lock-options.check.js';
import { OptionReader } from '../../../lib/engine/api/option-reader.js';
import { Waiter } from '../../../lib/engine/queue/waiter.js';
import { WaiterList } from '../../../lib/engine/queue/waiter-list.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const request = resolveRequest(undefined, readSettings(new OptionReader({})));

function setUp() {
  const clock = new VirtualClock({ now: 0 });
  const list = new WaiterList<void>(clock);
  const left: { name: string; at: number }[] = [];
  const add = (name: string, wait: number, onLeft?: () => void): Waiter<void> => {
    const waiter = new Waiter<void>(request, clock, wait, {
      left: () => {
        list.delete(waiter);
        left.push({ name, at: clock.now() });
        onLeft?.();
      },
    });
    list.add(waiter);
    return waiter;
  };
  return { clock, list, left, add };
}

describe('WaiterList', () => {
  it('ends each wait at its own time, with one timer', async () => {
    const { clock, list, left, add } = setUp();
    add('long', 300);
    add('short', 100);
    add('middle', 200);
    add('as long', 300);
    add('for ever', Infinity);

    expect(clock.pending).toBe(1);
    await clock.advance(1000);

    expect(left).toEqual([
      { name: 'short', at: 100 },
      { name: 'middle', at: 200 },
      { name: 'long', at: 300 },
      { name: 'as long', at: 300 },
    ]);
    expect(list.size).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('ends later ones in time when those that end first are served', async () => {
    const { clock, list, left, add } = setUp();
    const served = add('served', 100);
    add('kept', 150);
    list.delete(served);
    await clock.advance(1000);

    expect(left).toEqual([{ name: 'kept', at: 150 }]);
  });

  it('ends one in time that comes as another leaves', async () => {
    const { clock, left, add } = setUp();
    add('first', 100, () => void add('successor', 50));
    add('last', 500);
    await clock.advance(1000);

    expect(left).toEqual([
      { name: 'first', at: 100 },
      { name: 'successor', at: 150 },
      { name: 'last', at: 500 },
    ]);
  });

  it('does not end those that leave as another one ends', async () => {
    const { clock, list, left, add } = setUp();
    add('first', 100, () => {
      for (const waiter of [sameTime, later]) list.delete(waiter);
    });
    const sameTime = add('same time', 100);
    const later = add('later', 200);
    await clock.advance(100);

    expect(left).toEqual([{ name: 'first', at: 100 }]);
    expect(clock.pending).toBe(0);
  });

  it('keeps no timer when nobody waits', () => {
    const { clock, list, add } = setUp();
    const waiters = [add('one', 100), add('other', 200)];
    for (const waiter of waiters) list.delete(waiter);

    expect(clock.pending).toBe(0);
  });
});
