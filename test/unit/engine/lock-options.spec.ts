import { describe, expect, it } from '@jest/globals';

import { EXCLUSIVE, SHARED } from '../../../lib/engine/api/capacity.js';
import { LockConfigError } from '../../../lib/engine/api/errors.js';
import { readSettings, resolveRequest } from '../../../lib/engine/api/lock-options.check.js';
import type { LockSettings } from '../../../lib/engine/api/lock-options.js';
import { OptionReader } from '../../../lib/engine/api/option-reader.js';

function settingsOf(options: unknown): { settings: LockSettings; problems: string[] } {
  const reader = new OptionReader(options);
  return { settings: readSettings(reader), problems: reader.problems };
}

const { settings } = settingsOf({});

function problemsOf(options: unknown): readonly string[] {
  try {
    resolveRequest(options, settings);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(LockConfigError);
    return (error as LockConfigError).problems;
  }
}

describe('readSettings', () => {
  it('fills in the documented defaults', () => {
    expect(settingsOf({})).toEqual({
      problems: [],
      settings: {
        lockOrderWatch: true,
        ttl: 30_000,
        wait: 10_000,
        renew: true,
        localHandoffs: 16,
        coexist: false,
        maxWaiters: Infinity,
        commandTimeout: 1000,
        shutdownTimeout: 10_000,
      },
    });
  });

  it('reads durations with units, and freezes the result', () => {
    const read = settingsOf({ ttl: '1m', wait: '0ms', commandTimeout: '250ms' }).settings;

    expect(read).toMatchObject({ ttl: 60_000, wait: 0, commandTimeout: 250 });
    expect(Object.isFrozen(read)).toBe(true);
  });

  it('treats undefined as left out', () => {
    expect(settingsOf({ ttl: undefined, maxWaiters: undefined }).settings).toEqual(settings);
  });

  it.each([
    [{ ttl: 99 }, /^ttl must be at least 100 ms, got 99\.$/],
    [{ ttl: Infinity }, /^ttl must be a finite duration, got Infinity\.$/],
    [{ ttl: '30' }, /^ttl must be milliseconds or a string .*, got "30"\.$/],
    [{ wait: -1 }, /^wait must be .*got -1\.$/],
    [{ renew: 1 }, /^renew must be true or false, got 1\.$/],
    [{ localHandoffs: 1001 }, /^localHandoffs must be a whole number, from 0 to 1000, got 1001\.$/],
    [{ localHandoffs: 1.5 }, /localHandoffs/],
    [{ maxWaiters: -1 }, /^maxWaiters must be a whole number, 0 or more, got -1\.$/],
    [{ commandTimeout: 9 }, /^commandTimeout must be at least 10 ms, got 9\.$/],
    [{ shutdownTimeout: 'soon' }, /^shutdownTimeout must be .*"soon"\.$/],
    [7, /^options must be an object, got 7\.$/],
    [null, /^options must be an object, got null\.$/],
    [[], /^options must be an object, got an array\.$/],
  ])('tells what is wrong with %j', (options, problem) => {
    expect(settingsOf(options).problems).toEqual([expect.stringMatching(problem)]);
  });

  it('tells all faults at once', () => {
    const { problems } = settingsOf({ ttl: 1, wait: 'x', renew: 'yes', maxWaiters: {} });

    expect(problems).toHaveLength(4);
  });
});

describe('resolveRequest', () => {
  it('takes what is left out from the settings', () => {
    expect(resolveRequest({}, settings)).toEqual({
      capacity: EXCLUSIVE,
      ttl: 30_000,
      wait: 10_000,
      renew: true,
      minHold: 0,
      maxHold: Infinity,
      onLost: 'throw',
      signal: undefined,
      label: '',
      template: '',
    });
    const own = settingsOf({ ttl: 1000, wait: 5, renew: false }).settings;
    expect(resolveRequest({ wait: 7 }, own)).toMatchObject({ ttl: 1000, wait: 7, renew: false });
  });

  it('reads every option', () => {
    const { signal } = new AbortController();
    const options = {
      ttl: '5s',
      wait: Infinity,
      renew: false,
      mode: 'exclusive',
      permits: 1,
      minHold: '1s',
      maxHold: '1m',
      onLost: 'report',
      signal,
      label: 'job',
    };

    expect(resolveRequest(options, settings)).toEqual({
      capacity: EXCLUSIVE,
      ttl: 5000,
      wait: Infinity,
      renew: false,
      minHold: 1000,
      maxHold: 60_000,
      onLost: 'report',
      signal,
      label: 'job',
      template: '',
    });
  });

  it.each([
    [{ ttl: 50 }, /^ttl must be at least 100 ms/],
    [{ timeout: 5 }, /^timeout is not an option; known are ttl, /],
    [{ onLost: 'ignore' }, /^onLost must be 'throw' or 'report', got "ignore"\.$/],
    [{ signal: {} }, /^signal must be an AbortSignal/],
    [{ label: 7 }, /^label must be a string, got 7\.$/],
    [{ maxHold: 0 }, /^maxHold must be at least 1 ms/],
    [{ minHold: Infinity }, /^minHold must be a finite/],
    [{ mode: 'read' }, /^mode must be 'exclusive' or 'shared'/],
    [{ permits: 0 }, /^permits must be a whole number/],
    [
      { minHold: 2000, ttl: 1000, renew: false },
      /^minHold \(2000 ms\) must not be longer than ttl/,
    ],
    ['5s', /^options must be an object, got a string\.$/],
  ])('refuses %j', (options, problem) => {
    expect(problemsOf(options)).toEqual([expect.stringMatching(problem)]);
  });

  it('reads how many may hold the key from mode and permits, which exclude each other', () => {
    expect(resolveRequest({ permits: 5 }, settings).capacity).toBe(5);
    expect(resolveRequest({ mode: 'shared' }, settings).capacity).toBe(SHARED);
    for (const permits of [0, 1.5, -1, 1_000_001, Infinity, '2'])
      expect(problemsOf({ permits })).toEqual([expect.stringMatching(/^permits must be/)]);
    expect(problemsOf({ mode: 'shared', permits: 3 })).toEqual([
      expect.stringContaining("can't be combined"),
    ]);
  });

  it('knows an AbortSignal of another realm or package by what it can do', () => {
    const signal = Object.create(AbortSignal.prototype) as AbortSignal;

    expect(problemsOf({ signal })).toEqual([]);
  });

  it('names the keys of the call in the error', () => {
    expect(() => resolveRequest({ ttl: 1 }, settings, { keys: ['k'] })).toThrow(
      expect.objectContaining({ keys: ['k'], code: 'LOCK_CONFIG' }),
    );
  });
});
