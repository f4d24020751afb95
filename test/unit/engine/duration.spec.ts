import { describe, expect, it } from '@jest/globals';

import { parseDuration } from '../../../lib/engine/api/duration.js';

describe('parseDuration', () => {
  it.each([
    [0, 0],
    [1500, 1500],
    [0.5, 0.5],
    [Infinity, Infinity],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0s', 0],
  ])('reads %p as %p ms', (value, ms) => {
    expect(parseDuration(value)).toBe(ms);
  });

  it.each([
    -1,
    NaN,
    -Infinity,
    '',
    '5',
    's',
    '-5s',
    '5 s',
    '5S',
    '5sec',
    '1e3ms',
    '.5s',
    '5d',
    ' 5s',
    '5s\n',
    null,
    undefined,
    true,
    {},
    [5],
    5n,
  ])('does not read %p', (value) => {
    expect(parseDuration(value)).toBeUndefined();
  });
});
