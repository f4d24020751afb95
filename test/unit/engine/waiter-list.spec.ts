import { AsyncLocalStorage } from 'node:async_hooks';

import { beforeEach, describe, expect, it } from '@jest/globals';
import { array, assert, asyncProperty, constantFrom, nat, record } from 'fast-check';

import { readSettings, resolveRequest } from '../../../lib/engine/api/lock-options.check.js';
import { OptionReader } from '../../../lib/engine/api/option-reader.js';
import { WaiterList } from '../../../lib/engine/queue/waiter-list.js';
import { Waiter } from '../../../lib/engine/queue/waiter.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const request = resolveRequest(undefined, readSettings(new OptionReader({})));

let clock: VirtualClock;
let list: WaiterList<void>;
/** Those whose time was over, and when. */
let ended: [string, number][];

beforeEach(() => {
  clock = new VirtualClock({ now: 0 });
  list = new WaiterList(clock);
  ended = [];
});

/** A waiter that joins now; `onEnd` runs as its wait ends. */
function join(name: string, bound: number, onEnd = () => {}): Waiter<void> {
  const waiter = new Waiter<void>(request, clock, bound, {
    tells: () => false,
    left: (leaver) => {
      ended.push([name, clock.now()]);
      list.delete(leaver);
      leaver.resolve();
      onEnd();
    },
  });
  list.add(waiter);
  return waiter;
}

describe('the waiters of one line', () => {
  it('end each at its own time, whatever the order in which they came', async () => {
    join('long', 500);
    join('short', 100);
    await clock.advance(50);
    join('later', 100);
    join('last', 450);
    await clock.advance(1000);

    expect(ended).toEqual([
      ['short', 100],
      ['later', 150],
      ['long', 500],
      ['last', 500],
    ]);
  });

  it('end each at its own time, and leave no timer, however they come and go', async () => {
    const steps = array(
      record({
        pause: nat(60),
        bound: constantFrom(50, 100, 100, 100, 300, Infinity),
        /** Which of them leaves, if it is there. */
        leaves: nat(30),
      }),
      { minLength: 5, maxLength: 30 },
    );
    await assert(
      asyncProperty(steps, async (all) => {
        clock = new VirtualClock({ now: 0 });
        list = new WaiterList(clock);
        ended = [];
        const expected = new Map<string, number>();
        const waiters: Waiter<void>[] = [];
        for (const [i, { pause, bound, leaves }] of all.entries()) {
          if (bound < Infinity) expected.set(`${i}`, clock.now() + bound);
          waiters.push(join(`${i}`, bound));
          await clock.advance(pause);
          const leaver = waiters[leaves];
          if (leaver !== undefined && list.delete(leaver)) expected.delete(`${leaves}`);
        }
        await clock.advance(1000);

        expect(new Map(ended)).toEqual(expected);
        expect(clock.pending).toBe(0);
      }),
    );
  });

  it('have one timer, and none once all have left', async () => {
    const all = Array.from({ length: 100 }, (_, i) => join(`${i}`, 1000 + i));
    expect(clock.pending).toBe(1);
    await clock.advance(900);
    for (const waiter of all.slice(1)) list.delete(waiter);
    expect(clock.pending).toBe(1);
    for (const waiter of all.slice(0, 1)) list.delete(waiter);

    expect(clock.pending).toBe(0);
  });

  it('end in time when the one for whom the timer was set has left', async () => {
    const first = join('first', 100);
    await clock.advance(60);
    join('second', 100);
    list.delete(first);
    await clock.advance(100);

    expect(ended).toEqual([['second', 160]]);
    expect(clock.pending).toBe(0);
  });

  it('end in time when one that would have ended before others has left', async () => {
    join('long', 500);
    const short = join('short', 100);
    join('longer', 600);
    // It has a timer of its own, so that the timer of the others ends the first of them.
    expect(clock.pending).toBe(2);
    list.delete(short);
    expect(clock.pending).toBe(1);
    join('shorter', 300);
    await clock.advance(1000);

    expect(ended).toEqual([
      ['shorter', 300],
      ['long', 500],
      ['longer', 600],
    ]);
    expect(clock.pending).toBe(0);
  });

  it('leave no timer for a call that has left, when the others may wait for ever', () => {
    const hasty = join('hasty', 100);
    join('patient', Infinity);
    list.delete(hasty);

    expect(clock.pending).toBe(0);
  });

  it('set their timer outside the async context of any of them', async () => {
    const calls = new AsyncLocalStorage<string>();
    const kept: (string | undefined)[] = [];
    const after = clock.after.bind(clock);
    clock.after = (ms, task) => {
      kept.push(calls.getStore());
      return after(ms, task);
    };
    calls.run('first', () => join('first', 100));
    calls.run('second', () => join('second', 200));
    await clock.advance(150);

    expect(ended).toEqual([['first', 100]]);
    expect(kept).toEqual([undefined, undefined]);
  });

  it('are not ended by a timer that rings though it was stopped', async () => {
    const first = join('first', 100);
    clock.cancel = () => {};
    list.delete(first);
    join('second', 300);
    join('patient', Infinity);
    await clock.advance(200);
    expect(ended).toEqual([]);
    await clock.advance(200);

    expect(ended).toEqual([['second', 300]]);
  });

  it('need no timer when they may wait for ever', async () => {
    join('patient', Infinity);
    expect(clock.pending).toBe(0);
    join('other', 100);
    await clock.advance(1000);

    expect(ended).toEqual([['other', 100]]);
    expect(clock.pending).toBe(0);
  });

  it('may join and leave while others end', async () => {
    const leavers: Waiter<void>[] = [];
    join('first', 100, () => {
      for (const leaver of leavers) list.delete(leaver);
      join('fourth', 30);
    });
    join('second', 100);
    leavers.push(join('third', 100));
    await clock.advance(1000);

    expect(ended).toEqual([
      ['first', 100],
      ['second', 100],
      ['fourth', 130],
    ]);
    expect(clock.pending).toBe(0);
  });
});
