import { describe, expect, it } from '@jest/globals';

import { claimTerms, heldTerms } from '../../../lib/engine/store/lease-terms.js';

const fences = { next: 7, last: 9 };

describe('the terms of a claim that was pushed', () => {
  it('begin now, and end a margin before it ends in Redis', () => {
    expect(
      claimTerms({ key: 'k', token: 't', expiresAt: 3000, fences, queue: 2 }, 2000, 1100),
    ).toEqual({
      sentAt: 1100,
      lease: 2000,
      deadline: 2950,
      fences,
      mintedAt: 1000,
      queue: 2,
    });
  });

  it('are none when nobody knows its end, or less than nine tenths are left', () => {
    const grant = { key: 'k', token: 't', fences, queue: 0 };

    expect(claimTerms({ ...grant, expiresAt: undefined }, 2000, 1000)).toBeUndefined();
    expect(claimTerms({ ...grant, expiresAt: 3000 }, 2000, 1150)?.deadline).toBe(2950);
    expect(claimTerms({ ...grant, expiresAt: 3000 }, 2000, 1151)).toBeUndefined();
  });
});

describe('the terms of an answer', () => {
  it('count from when its command was sent', () => {
    expect(heldTerms({ sentAt: 1000, lease: 10_000, fences, queue: 1 }, 5000)).toEqual({
      sentAt: 1000,
      lease: 10_000,
      deadline: 10_850,
      fences,
      mintedAt: 1000,
      queue: 1,
    });
  });

  it('are none from their deadline on', () => {
    const reply = { sentAt: 1000, lease: 10_000, fences, queue: 0 };

    expect(heldTerms(reply, 10_849)).toBeDefined();
    expect(heldTerms(reply, 10_850)).toBeUndefined();
  });
});
