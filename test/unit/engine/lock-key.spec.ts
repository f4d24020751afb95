import { describe, expect, it } from '@jest/globals';

import { checkKeys } from '../../../lib/engine/api/lock-key.js';

describe('the keys of a call', () => {
  it('are in the order of their bytes, each once', () => {
    expect(checkKeys('k')).toEqual(['k']);
    expect(checkKeys(['b', 'a', 'b', 'B', 'aa'])).toEqual(['B', 'a', 'aa', 'b']);
    // In UTF-16 the astral one would come first.
    expect(checkKeys(['\u{1F512}', '\uFF5E', 'é'])).toEqual(['é', '\uFF5E', '\u{1F512}']);
  });

  it('leave the list of the caller as it was', () => {
    const keys = Object.freeze(['b', 'a']);

    expect(checkKeys(keys)).toEqual(['a', 'b']);
    expect(keys).toEqual(['b', 'a']);
  });

  it('are a thousand at most, and one at least', () => {
    const many = Array.from({ length: 1001 }, (_, i) => `k${i}`);

    expect(checkKeys(many.slice(1))).toHaveLength(1000);
    expect(() => checkKeys(many)).toThrow('A call may name 1000 lock keys at most, got 1001.');
    expect(() => checkKeys([])).toThrow('must name at least one key');
    expect(checkKeys(Array.from({ length: 2000 }, () => 'k'))).toEqual(['k']);
  });

  it.each([
    ['a hole', Array.from({ length: 2 })],
    ['a list in a list', [['a']]],
    ['null', null],
    ['a set', new Set(['a'])],
    ['an object', { 0: 'a', length: 1 }],
  ])('are no keys when there is %s', (_, keys) => {
    expect(() => checkKeys(keys as never)).toThrow(expect.objectContaining({ code: 'LOCK_KEY' }));
  });
});
