import { describe, expect, it } from '@jest/globals';

import { TokenMint } from '../../../lib/engine/store/token.js';
import { systemClock } from '../../../lib/engine/time/clock.js';
import { MemorySpace } from '../../../lib/memory/memory-space.js';
import { storedLock } from '../../../lib/memory/stored-lock.js';

describe('a lock in memory', () => {
  it('tells of more holders than a call may have arguments', () => {
    const space = new MemorySpace(systemClock);
    const mint = new TokenMint();
    const next = (): string => mint.next(1000, 1, '', 200_000);
    space.admit('k', next(), 60_000);
    const { holders } = space.lock('k')!;
    const [first] = [...holders.values()];
    for (let i = 1; i < 150_000; i += 1) {
      const token = next();
      holders.set(token, { ...first!, token });
    }

    expect(space.leaseLeft('k', next())).toBeGreaterThan(0);
    expect(space.leaseLeft('k', mint.next(1000, 1, ''))).toBeGreaterThan(0);
    expect(storedLock(space, 'k')?.several?.holders).toHaveLength(150_000);
  });
});
