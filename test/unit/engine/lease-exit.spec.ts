import { describe, expect, it } from '@jest/globals';

import { LeaseExit } from '../../../lib/engine/hold/lease-exit.js';
import type { LeaseState } from '../../../lib/engine/hold/lease-state.js';
import type { TenureContext } from '../../../lib/engine/hold/tenure-context.js';

function setUp() {
  const seen: string[] = [];
  const hold = { key: 'order:7', token: 'mine', ttl: 1000 } as LeaseState;
  const context = {
    renewer: { drop: () => undefined },
    routes: { watch: () => undefined, forget: () => undefined },
    releaser: {
      release: async () => {
        seen.push('released');
        return 'released';
      },
    },
  } as unknown as TenureContext;
  return { exit: new LeaseExit(hold, context, () => void seen.push('ended')), seen };
}

describe('a lease that has left this process', () => {
  it.each([true, false])('is not lost as well (in Redis still ours: %s)', async (ours) => {
    const { exit, seen } = setUp();
    await exit.giveBack(0);

    exit.lose(() => seen.push('told'), ours);

    expect(seen).toEqual(['released', 'ended']);
  });

  it.each([true, false])('is lost once (in Redis still ours: %s)', (ours) => {
    const { exit, seen } = setUp();
    const lose = () => exit.lose(() => seen.push('told'), ours);
    lose();
    const once = [...seen];
    lose();

    expect(once).toEqual(['told', ...(ours ? ['released'] : []), 'ended']);
    expect(seen).toEqual(once);
  });
});
