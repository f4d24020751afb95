import { describe, expect, it } from '@jest/globals';

import { DueTimes } from '../../../lib/engine/time/due-times.js';
import type { Dated } from '../../../lib/engine/time/due-times.js';
import { VirtualClock } from '../../support/virtual-clock.js';

interface Item extends Dated {
  readonly name: string;
}

function setUp() {
  const clock = new VirtualClock({ now: 0 });
  const told: { at: number; items: string[] }[] = [];
  const due = new DueTimes<Item>(clock, (items) => {
    told.push({ at: clock.now(), items: items.map(({ name }) => name) });
  });
  const item = (name: string): Item => ({ name });
  return { clock, due, told, item };
}

describe('DueTimes', () => {
  it('tells of an item when it is due, at most its grain too early', async () => {
    const { clock, due, told, item } = setUp();
    due.set(item('a'), 105, 10);
    await clock.advance(99);
    expect(told).toEqual([]);
    await clock.advance(100);

    expect(told).toEqual([{ at: 100, items: ['a'] }]);
    expect(due.size).toBe(0);
  });

  it('tells of all items of one moment at once, with one timer', async () => {
    const { clock, due, told, item } = setUp();
    for (let i = 0; i < 1000; i += 1) due.set(item(`${i}`), 101 + (i % 9), 10);

    expect(clock.pending).toBe(1);
    await clock.advance(200);

    expect(told).toHaveLength(1);
    expect(told[0]?.items).toHaveLength(1000);
  });

  it('forgets the earlier moment of an item that is set again', async () => {
    const { clock, due, told, item } = setUp();
    const a = item('a');
    due.set(a, 100, 10);
    due.set(a, 300, 10);
    due.set(item('b'), 100, 10);
    await clock.advance(500);

    expect(told).toEqual([
      { at: 100, items: ['b'] },
      { at: 300, items: ['a'] },
    ]);
  });

  it('keeps the timer of a moment whose items are deleted for the next ones, until closed', () => {
    const { clock, due, item } = setUp();
    const items = [item('a'), item('b')];
    for (const one of items) due.set(one, 100, 10);
    expect(due.has(items[0]!)).toBe(true);
    for (const one of items) due.delete(one);

    expect(due.has(items[0]!)).toBe(false);
    expect([...due.items()]).toEqual([]);
    expect(due.size).toBe(0);
    due.set(item('c'), 100, 10);
    expect(clock.pending).toBe(1);

    due.close();

    expect(clock.pending).toBe(0);
  });

  it('tells at once of what is due already', async () => {
    const { clock, due, told, item } = setUp();
    await clock.advance(1000);
    due.set(item('late'), 500, 10);
    await clock.advance(0);

    expect(told).toEqual([{ at: 1000, items: ['late'] }]);
  });

  it('lets an item be set again while it is told of', async () => {
    const clock = new VirtualClock({ now: 0 });
    const a: Dated = {};
    const at: number[] = [];
    const due = new DueTimes<Dated>(clock, () => {
      at.push(clock.now());
      if (at.length < 3) due.set(a, clock.now() + 100, 1);
    });
    due.set(a, 100, 1);
    await clock.advance(1000);

    expect(at).toEqual([100, 200, 300]);
    expect(clock.pending).toBe(0);
  });
});
