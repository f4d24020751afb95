import { describe, expect, it } from '@jest/globals';

import { CallKeys } from '../../../lib/engine/api/call-keys.js';

describe('the keys of calls, one after another', () => {
  it('are those of each call', () => {
    const keys = new CallKeys();
    const list = ['b', 'a'];

    expect(keys.of('k')).toEqual(['k']);
    expect(keys.of('k')).toEqual(['k']);
    expect(keys.of(list)).toEqual(['a', 'b']);
    list[1] = 'c';
    expect(keys.of(list)).toEqual(['b', 'c']);
    expect(keys.of('a')).toEqual(['a']);
    expect(keys.of(['k'])).toEqual(['k']);
    expect(keys.of('k')).toEqual(['k']);
  });

  it('are refused each time that they are none', () => {
    const keys = new CallKeys();
    for (const key of ['', '', undefined, undefined, 'k', '!k', '!k']) {
      if (key === 'k') expect(keys.of(key)).toEqual(['k']);
      else
        expect(() => keys.of(key as never)).toThrow(expect.objectContaining({ code: 'LOCK_KEY' }));
    }
  });

  it('are the own list of each call', () => {
    const keys = new CallKeys();
    (keys.of('k') as unknown as string[]).push('other');

    expect(keys.of('k')).toEqual(['k']);
  });
});
