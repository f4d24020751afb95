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
      void a.manager.withLock('k', ({ fencingToken }) => void numbers.push(fencingToken));
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

  it('let nobody in once the lock is lost meanwhile', async () => {
    const numbers = calls(100);
    await processes.clock.advance(10);
    const before = numbers.length;
    await a.manager.forceRelease('k');
    answer.open();
    await processes.clock.advance(10);

    // The others have the lock anew, with larger numbers.
    expect(numbers).toHaveLength(100);
    expect(Math.min(...numbers.slice(before))).toBeGreaterThan(numbers[before - 1]!);
  });
});
