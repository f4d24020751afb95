import { describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { ReleaseCommand, ReleaseReply } from '../../../lib/engine/store/lock-store.js';
import { ReleaseRetrier } from '../../../lib/engine/store/release-retrier.js';
import { timed } from '../../support/timed.js';
import { VirtualClock, settle } from '../../support/virtual-clock.js';

const COMMAND = { key: 'k', token: 't', minHoldLeft: 0 };

function setUp() {
  const clock = new VirtualClock({ now: 0 });
  const sent: { at: number; command: ReleaseCommand }[] = [];
  const answers: (ReleaseReply | Error | Promise<ReleaseReply>)[] = [];
  const store = {
    release: async (command: ReleaseCommand): Promise<ReleaseReply> => {
      sent.push({ at: clock.now(), command });
      const answer = await (answers.length > 1 ? answers.shift() : answers[0]);
      if (answer instanceof Error) throw answer;
      return answer ?? 'released';
    },
  };
  const releaser = new ReleaseRetrier(store, clock);
  return { clock, sent, answers, releaser };
}

const failure = new LockUnavailableError(['k'], 'silent.');

describe('ReleaseRetrier', () => {
  it('asks once, and gives the caller the answer', async () => {
    const { clock, sent, answers, releaser } = setUp();
    answers.push('not-held');

    expect(await releaser.release(COMMAND, 1000)).toBe('not-held');

    await clock.advance(60_000);
    expect(sent).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('gives the caller the failure, and repeats until Redis has answered', async () => {
    const { clock, sent, answers, releaser } = setUp();
    answers.push(failure, failure, failure, 'released');

    expect((await timed(releaser.release(COMMAND, 1000))).error).toBe(failure);
    await clock.advance(60_000);

    expect(sent.map(({ at }) => at)).toEqual([0, 500, 1000, 1500]);
    expect(new Set(sent.map(({ command }) => command))).toEqual(new Set([COMMAND]));
    expect(clock.pending).toBe(0);
  });

  it.each([
    [1000, 15_000],
    [60_000, 60_000],
  ])('gives up when lease (%i ms) and place in the queue are over', async (ttl, until) => {
    const { clock, sent, answers, releaser } = setUp();
    answers.push(failure);
    releaser.discard('k', 't', ttl);
    await clock.advance(200_000);

    expect(sent.at(-1)?.at).toBeLessThan(until);
    expect(sent.at(-1)?.at).toBeGreaterThan(until - 1001);
    expect(clock.pending).toBe(0);
  });

  it('sends everything owed when the connection is back', async () => {
    const { clock, sent, answers, releaser } = setUp();
    answers.push(failure, failure, 'released');
    releaser.discard('k', 't1', 1000);
    releaser.discard('k', 't2', 1000);
    await settle();
    releaser.retry();
    await clock.advance(0);

    expect(sent.map(({ command }) => command.token)).toEqual(['t1', 't2', 't1', 't2']);
    expect(sent.at(-1)?.at).toBe(0);
  });

  it('tells when all that was sent is answered, or has failed', async () => {
    const { answers, releaser } = setUp();
    let answer: (reply: ReleaseReply) => void = () => {};
    answers.push(new Promise((resolve) => (answer = resolve)), failure);
    const first = releaser.release(COMMAND, 1000);
    releaser.discard('k', 't2', 1000);
    let settled = false;
    void releaser.settled().then(() => (settled = true));
    await settle();
    expect(settled).toBe(false);
    answer('released');
    await first;
    await settle();

    expect(settled).toBe(true);
    await releaser.settled();
  });

  it('keeps a minHold that is on its way when the token is discarded once more', async () => {
    const { sent, answers, releaser } = setUp();
    let answer: (reply: ReleaseReply) => void = () => {};
    answers.push(new Promise((resolve) => (answer = resolve)), 'not-held');
    const first = releaser.release({ ...COMMAND, minHoldLeft: 500 }, 1000);
    releaser.discard('k', 't', 1000);
    answer('released');
    await first;
    releaser.discard('k', 't', 1000);
    await settle();

    expect(sent.map(({ command }) => command.minHoldLeft)).toEqual([500, 500, 0]);
  });

  it('stops repeating when it is closed', async () => {
    const { clock, sent, answers, releaser } = setUp();
    answers.push(failure);
    releaser.discard('k', 't', 1000);
    await settle();
    releaser.close();
    await clock.advance(60_000);
    releaser.discard('k', 't', 1000);
    await clock.advance(60_000);

    expect(sent).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });
});
