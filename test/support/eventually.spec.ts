import { describe, expect, it } from '@jest/globals';

import { eventually } from './eventually.js';

describe('eventually', () => {
  it('resolves with the first value that does not fail', async () => {
    let calls = 0;

    const value = await eventually(() => {
      calls += 1;
      expect(calls).toBe(3);
      return calls;
    });

    expect(value).toBe(3);
  });

  it('rejects with the last failure when the time is over', async () => {
    let calls = 0;
    const check = eventually(() => Promise.reject(new Error(`call ${++calls}`)), { within: 40 });

    await expect(check).rejects.toThrow(/call \d+/);

    expect(calls).toBeGreaterThan(1);
  });
});
