import { afterEach, describe, expect, it, jest } from '@jest/globals';

import { pause, systemClock } from '../../../lib/engine/time/clock.js';

const DAY_MS = 86_400_000;

describe('a timer of the process', () => {
  describe('in a test that moves the timers by hand', () => {
    afterEach(() => {
      jest.useRealTimers();
    });

    it.each([24.8, 24.9, 50, 400])('fires after %d days, and not before', (days) => {
      jest.useFakeTimers();
      const task = jest.fn();
      systemClock.after(days * DAY_MS, task);

      jest.advanceTimersByTime(days * DAY_MS - 1);
      expect(task).not.toHaveBeenCalled();
      jest.advanceTimersByTime(2);

      expect(task).toHaveBeenCalledTimes(1);
    });

    it.each([1, 50 * DAY_MS])('that is stopped in between does not fire, of %d ms', (ms) => {
      jest.useFakeTimers();
      const task = jest.fn();
      const timer = systemClock.after(ms, task);
      jest.advanceTimersByTime(ms * 0.9);

      systemClock.cancel(timer);
      jest.advanceTimersByTime(ms);

      expect(task).not.toHaveBeenCalled();
      expect(jest.getTimerCount()).toBe(0);
    });

    it.each(['1000 ms', '50 days'])(
      'fires where `performance` goes on as ever, after %s',
      (time) => {
        jest.useFakeTimers({ doNotFake: ['performance'] });
        const ms = time === '50 days' ? 50 * DAY_MS : 1000;
        const task = jest.fn();
        systemClock.after(ms, task);

        jest.advanceTimersByTime(ms - 1);
        expect(task).not.toHaveBeenCalled();
        jest.advanceTimersByTime(1);

        expect(task).toHaveBeenCalledTimes(1);
      },
    );
  });

  it('does not fire before its time, though it was set late in a busy turn of the event loop', async () => {
    const until = performance.now() + 30;
    while (performance.now() < until);
    const setAt = performance.now();

    await pause(20, systemClock);

    expect(performance.now() - setAt).toBeGreaterThanOrEqual(20);
  });
});
