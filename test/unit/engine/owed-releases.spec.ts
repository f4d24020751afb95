import { describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { ReleaseCommand, ReleaseReply } from '../../../lib/engine/store/lock-store.js';
import { ReleaseRetrier } from '../../../lib/engine/store/release-retrier.js';
import { VirtualClock, settle } from '../../support/virtual-clock.js';

const TTL = 30_000;

/** Releases to servers that do not hear, or hear as the test says. */
function releasesTo(tell: (command: ReleaseCommand) => Promise<unknown>) {
  const clock = new VirtualClock({ now: 0 });
  const told: string[] = [];
  const release = async (command: ReleaseCommand): Promise<ReleaseReply> => {
    told.push(command.token);
    await tell(command);
    return 'released';
  };
  const releases = new ReleaseRetrier({ release }, clock);
  const discard = async (...tokens: readonly string[]): Promise<void> => {
    for (const token of tokens) releases.discard('k', token, TTL);
    await settle();
  };
  const retry = async (): Promise<void> => {
    releases.retry();
    await settle();
  };
  return { clock, told, releases, discard, retry };
}

/** What a command fails with at the server of that name. */
const silent = (node: string): Promise<never> =>
  Promise.reject(new LockUnavailableError(['k'], 'silent.', undefined, [node]));

describe('releases that were not heard', () => {
  it('are repeated until the server has heard', async () => {
    let isDeaf = true;
    const { told, releases, discard, retry } = releasesTo(() =>
      isDeaf ? silent('a:1') : Promise.resolve(),
    );
    await discard('t');

    await retry();
    expect(releases.owes('t')).toBe(true);
    isDeaf = false;
    await retry();
    await retry();

    expect(releases.owes('t')).toBe(false);
    expect(told).toEqual(['t', 't', 't']);
  });

  it('are repeated though they came to be owed while another one was under way for long', async () => {
    let answer = (): void => {};
    let isDeaf = true;
    const { clock, releases, discard } = releasesTo(({ token }) => {
      if (isDeaf) return silent('a:1');
      return token === 'slow'
        ? new Promise<void>((resolve) => (answer = resolve))
        : Promise.resolve();
    });
    await discard('slow');
    isDeaf = false;
    await clock.advance(500);
    isDeaf = true;
    await discard('late');
    isDeaf = false;
    await clock.advance(900);
    answer();

    await clock.advance(600);

    expect(releases.owes('late')).toBe(false);
  });

  it('do not follow every answer of a server that refuses them', async () => {
    const { clock, told, releases, discard, retry } = releasesTo(() => silent('a:1'));
    await discard('t');
    await clock.advance(10);
    for (let i = 0; i < 10; i += 1) {
      releases.heard();
      await settle();
    }
    expect(told).toHaveLength(2);

    await retry();
    expect(told).toHaveLength(3);
  });

  it('are tried with one of them, each time another, while the server refuses', async () => {
    const { told, discard, retry } = releasesTo(() => silent('a:1'));
    await discard('a', 'b', 'c');
    told.length = 0;

    for (let i = 0; i < 4; i += 1) await retry();

    expect(told).toEqual(['a', 'b', 'c', 'a']);
  });

  it('follow the one that was heard, all of them', async () => {
    let isDeaf = true;
    const { told, discard, retry } = releasesTo(() => (isDeaf ? silent('a:1') : Promise.resolve()));
    await discard('a', 'b', 'c');
    told.length = 0;
    isDeaf = false;

    await retry();

    expect(told).toEqual(['a', 'b', 'c']);
  });

  it('do not wait for those of another server', async () => {
    let isDeaf = true;
    const hangs = new Promise<never>(() => {});
    const { told, releases, discard, retry } = releasesTo(({ token }) => {
      if (token.startsWith('down')) return isDeaf ? silent('a:1') : hangs;
      return isDeaf ? silent('b:1') : Promise.resolve();
    });
    await discard('down1', 'down2', 'up1', 'up2');
    told.length = 0;
    isDeaf = false;

    await retry();
    await retry();

    expect(told).toEqual(['down1', 'up1', 'up2']);
    expect(['down1', 'down2', 'up1', 'up2'].map((token) => releases.owes(token))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('are repeated though nothing else is said to the server', async () => {
    let isDeaf = true;
    const { clock, told, releases, discard } = releasesTo(() =>
      isDeaf ? silent('a:1') : Promise.resolve(),
    );
    await discard('t');
    isDeaf = false;

    await clock.advance(500);

    expect(told).toEqual(['t', 't']);
    expect(releases.owes('t')).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('do not pile up at a server that never hears of them, but end with their time', async () => {
    const { clock, releases, discard } = releasesTo(() => silent('a:1'));
    await discard('a');
    await clock.advance(TTL / 2);
    await discard('b');

    await clock.advance(TTL / 2);

    expect([releases.owes('a'), releases.owes('b')]).toEqual([false, true]);
  });

  it('end with their owner', async () => {
    const { clock, releases, discard } = releasesTo(() => silent('a:1'));
    await discard('a');
    releases.close();
    await discard('b');

    expect([releases.owes('a'), releases.owes('b')]).toEqual([false, false]);
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['was heard', () => Promise.resolve()],
    ['was refused', () => silent('a:1')],
  ])('keep the newer one of a token when the earlier one %s meanwhile', async (_, answer) => {
    const left: number[] = [];
    let answers: (() => Promise<unknown>)[] = [() => silent('a:1')];
    const { releases, discard, retry } = releasesTo(({ minHoldLeft }) => {
      left.push(minHoldLeft);
      return (answers.shift() ?? (() => silent('a:1')))();
    });
    await discard('t');
    // As the first one is repeated, the same token is released with more to say.
    answers = [
      async () => {
        releases.discard('k', 't', TTL, 1);
        await settle();
        await answer();
      },
    ];
    await retry();
    await settle();
    expect(releases.owes('t')).toBe(true);

    await retry();

    expect(left).toEqual([0, 0, 1, 1]);
  });

  it('are told once at a time', async () => {
    let isDeaf = true;
    const { told, releases, discard } = releasesTo(() =>
      isDeaf ? silent('a:1') : Promise.resolve(),
    );
    await discard('t');
    isDeaf = false;

    releases.retry();
    releases.retry();
    await settle();

    expect(told).toEqual(['t', 't']);
  });
});
