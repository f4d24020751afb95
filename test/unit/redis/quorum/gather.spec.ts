import { describe, expect, it } from '@jest/globals';

import { systemClock } from '../../../../lib/engine/time/clock.js';
import { gather } from '../../../../lib/redis/quorum/gather.js';
import type { Verdict } from '../../../../lib/redis/quorum/gather.js';

/** A promise that the test settles. */
function later() {
  let resolve: (value: number) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const answer = new Promise<number>((yes, no) => ([resolve, reject] = [yes, no]));
  return { answer, resolve, reject };
}

function ask(...awaited: boolean[]) {
  const answers = awaited.map(() => later());
  const asked = answers.map(({ answer }, i) => ({
    node: i,
    answer,
    awaited: awaited[i] ?? true,
  }));
  return { answers, asked };
}

const until =
  (count: number, verdict: Verdict) =>
  (heard: readonly unknown[]): Verdict =>
    heard.length >= count ? verdict : 'wait';

describe('gather', () => {
  it('ends with the answer that makes the outcome certain', async () => {
    const { answers, asked } = ask(true, true, true);
    const heard = gather(asked, until(2, 'done'), 10_000, systemClock);

    answers[2]!.resolve(7);
    answers[0]!.reject(new Error('down'));

    expect(await heard).toMatchObject([
      { node: 2, reply: 7 },
      { node: 0, error: { message: 'down' } },
    ]);
  });

  it('ends when all have answered that are awaited, though nothing is certain', async () => {
    const { answers, asked } = ask(true, false, true);
    const heard = gather(asked, () => 'wait', 10_000, systemClock);

    answers[0]!.resolve(1);
    answers[2]!.resolve(3);

    expect(await heard).toHaveLength(2);
  });

  it('takes the answer of one that is not awaited', async () => {
    const { answers, asked } = ask(true, false);
    const heard = gather(asked, until(2, 'done'), 10_000, systemClock);

    answers[1]!.resolve(1);
    answers[0]!.resolve(3);

    expect(await heard).toHaveLength(2);
  });

  it('ends a little after the answer with which it could', async () => {
    const { answers, asked } = ask(true, true);

    answers[0]!.resolve(1);

    expect(await gather(asked, until(1, 'soon'), 5, systemClock)).toHaveLength(1);
  });

  it('ends at once when nobody is asked or awaited', async () => {
    expect(await gather(ask(false).asked, () => 'wait', 10_000, systemClock)).toEqual([]);
    expect(await gather([], () => 'wait', 10_000, systemClock)).toEqual([]);
  });
});
