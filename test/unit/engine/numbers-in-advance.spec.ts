import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { Gate } from '../../support/gate.js';
import { Processes } from './processes.js';
import type { Process } from './processes.js';

describe('fencing numbers that are asked for in advance', () => {
  let processes: Processes;
  let a: Process;
  /** Renewals so far, and what lets the answer of the first of them come. */
  let asked: number;
  let answer: Gate;

  beforeEach(() => {
    processes = new Processes();
    a = processes.open();
    asked = 0;
    answer = new Gate();
    a.store.onRenew = async (_, next) => {
      asked += 1;
      if (asked === 1) await answer.passed;
      return next();
    };
  });

  /** `count` calls, one behind another; returns their numbers as they come. */
  function calls(count: number): number[] {
    const numbers: number[] = [];
    for (let i = 0; i < count; i += 1)
      void a.manager
        .withLock('k', ({ fencingToken }) => void numbers.push(fencingToken), { wait: 20_000 })
        .catch(() => undefined);
    return numbers;
  }

  it('are waited for when the others are used up, and not asked for again', async () => {
    const numbers = calls(100);
    await processes.clock.advance(10);
    const before = numbers.length;
    expect(before).toBeLessThan(100);
    expect(asked).toBe(1);

    answer.open();
    await processes.clock.advance(10);

    expect(numbers).toHaveLength(100);
    expect(new Set(numbers).size).toBe(100);
    expect([...numbers].sort((x, y) => x - y)).toEqual(numbers);
  });

  it('are asked for again when the answer is that it failed', async () => {
    a.store.onRenew = async (_, next) => {
      asked += 1;
      if (asked > 1) return next();
      await answer.passed;
      throw new LockUnavailableError(['k'], 'for a test.');
    };
    const numbers = calls(100);
    await processes.clock.advance(10);
    answer.open();
    await processes.clock.advance(10);

    expect(numbers).toHaveLength(100);
    expect(asked).toBeGreaterThan(1);
  });

  it('are asked for again when the answer is late', async () => {
    const numbers = calls(100);
    await processes.clock.advance(100);

    expect(numbers).toHaveLength(100);
    expect(asked).toBeGreaterThan(1);
  });

  it('let nobody in by a lock that was lost meanwhile', async () => {
    a.store.onRenew = async (_, next) => {
      asked += 1;
      const reply = await next();
      if (asked === 1) await answer.passed;
      return reply;
    };
    const numbers = calls(100);
    await processes.clock.advance(10);
    const b = processes.open();
    const other = b.manager.acquire('k', { wait: 20_000 });
    await processes.clock.advance(1);
    await a.manager.forceRelease('k');
    await processes.clock.advance(1);
    await other;
    const before = numbers.length;
    answer.open();
    await processes.clock.advance(5);

    expect(numbers).toHaveLength(before);
  });
});
