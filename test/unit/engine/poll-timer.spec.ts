import { describe, expect, it } from '@jest/globals';

import { PollTimer } from '../../../lib/engine/acquire/poll-timer.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const PLACE = { rank: 0, ticket: 1, holder: '~' };

function setUp() {
  const clock = new VirtualClock({ now: 0 });
  const polls: number[] = [];
  const timer = new PollTimer(clock, { hurry: () => polls.push(clock.now()) }, false);
  return { clock, timer, polls };
}

describe('PollTimer', () => {
  it('asks when the lease that was told should be over', async () => {
    const { clock, timer, polls } = setUp();
    timer.queued({ ...PLACE, leaseLeft: 100 });
    await clock.advance(1000);

    expect(polls).toEqual([101]);
  });

  it('asks sooner when it hears of an end that comes first', async () => {
    const { clock, timer, polls } = setUp();
    timer.queued({ ...PLACE, leaseLeft: 100 });
    timer.atLatest(20);
    await clock.advance(1000);

    expect(polls).toEqual([20]);
  });

  it('asks no later for hearing of an end that comes after', async () => {
    const { clock, timer, polls } = setUp();
    timer.queued({ ...PLACE, leaseLeft: 100 });
    timer.atLatest(900);
    await clock.advance(1000);

    expect(polls).toEqual([101]);
  });
});
