import { describe, expect, it } from '@jest/globals';

import { LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { LeaseState } from '../../../lib/engine/hold/lease-state.js';
import { LeaseRenewer } from '../../../lib/engine/hold/lease-renewer.js';
import { deadlineOf } from '../../../lib/engine/store/lease.js';
import type { LockStore, RenewCommand, RenewReply } from '../../../lib/engine/store/lock-store.js';
import { VirtualClock } from '../../support/virtual-clock.js';

type Answer = 'held' | 'lost' | 'unknown' | 'silence' | 'rejects';

const COMMAND_TIMEOUT = 1000;

/** A renewer on a clock that stands still, and a store whose answers the test chooses. */
class Bench {
  readonly clock = new VirtualClock({ now: 0 });
  readonly sent: { at: number; commands: readonly RenewCommand[] }[] = [];
  readonly told: [string, string, number][] = [];
  /** What the next renewals are answered; the last one from then on. */
  answers: Answer[] = ['held'];
  latency = 1;
  readonly renewer: LeaseRenewer;
  #n = 0;

  constructor() {
    const store = { renew: (commands: readonly RenewCommand[]) => this.#renew(commands) };
    this.renewer = new LeaseRenewer(
      store as Pick<LockStore, 'renew'> as LockStore,
      this.clock,
      COMMAND_TIMEOUT,
    );
  }

  /** A lock that was granted at this moment, with a lease that may be shorter than its `ttl`. */
  grant(ttl: number, lease = ttl): LeaseState {
    this.#n += 1;
    const name = `k${this.#n}`;
    const tell = (what: string) => () => void this.told.push([what, name, this.clock.now()]);
    const owner = {
      waiters: 0,
      places: 0,
      lost: (hold: LeaseState) => {
        tell('lost')();
        this.renewer.drop(hold);
      },
      troubled: tell('troubled'),
      confirmed: (_: LeaseState, longer: boolean) => longer && tell('renewed')(),
    };
    const now = this.clock.now();
    const hold = new LeaseState(name, `token of ${name}`, owner, ttl, {
      sentAt: now,
      lease,
      deadline: deadlineOf(now, lease),
      fences: { next: 1, last: 1 },
      mintedAt: now,
      queue: 0,
    });
    this.renewer.keep(hold);
    return hold;
  }

  times(what: string): number[] {
    return this.told.filter(([told]) => told === what).map(([, , at]) => at);
  }

  async #renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const sentAt = this.clock.now();
    this.sent.push({ at: sentAt, commands });
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    const silent = answer === 'silence';
    await new Promise<void>((resolve) => {
      this.clock.after(silent ? COMMAND_TIMEOUT : this.latency, resolve);
    });
    if (answer === 'rejects') throw new LockUnavailableError([], 'refused.');
    return commands.map(() => {
      if (answer === 'held')
        return { kind: 'held', sentAt, fences: { next: 0, last: -1 }, queue: 0 };
      if (answer === 'lost') return { kind: 'lost', sentAt };
      return { kind: 'unknown', sentAt, error: new LockUnavailableError([], 'silent.') };
    });
  }
}

describe('LeaseRenewer', () => {
  it.each([100, 200, 1000, 1250, 2000, 30_000, 600_000])(
    'renews a lease of %i ms 3 to 12 times in three leases, evenly (A15)',
    async (ttl) => {
      const bench = new Bench();
      bench.grant(ttl);
      await bench.clock.advance(3 * ttl);

      const at = bench.sent.map((one) => one.at);
      expect(at.length).toBeGreaterThanOrEqual(3);
      expect(at.length).toBeLessThanOrEqual(12);
      for (const [i, moment] of at.entries()) {
        const since = moment - (i === 0 ? 0 : at[i - 1]!);
        if (i > 0) expect(since).toBeGreaterThan(ttl / 8);
        // PTTL never under a third, on a healthy server.
        expect(ttl - since).toBeGreaterThan(ttl / 3);
      }
      expect(bench.times('lost')).toEqual([]);
    },
  );

  it('renews on a slow network as often as on a fast one', async () => {
    const bench = new Bench();
    bench.latency = 40;
    bench.grant(300);
    await bench.clock.advance(900);

    expect(bench.sent.length).toBeLessThanOrEqual(12);
    expect(bench.times('lost')).toEqual([]);
  });

  it('renews a long lease for a caller with a short one once an interval, not again and again', async () => {
    const bench = new Bench();
    bench.latency = 40;
    const hold = bench.grant(60_000);
    hold.ttl = 300;
    await bench.clock.advance(20_500);

    expect(bench.sent.length).toBeGreaterThan(0);
    expect(bench.sent.length).toBeLessThanOrEqual(15);
  });

  it('stretches a claim to the whole lease at a third of the claim', async () => {
    const bench = new Bench();
    const hold = bench.grant(30_000, 2000);
    await bench.clock.advance(700);

    expect(bench.sent).toMatchObject([{ commands: [{ ttl: 30_000, token: hold.token }] }]);
    expect(bench.sent[0]!.at).toBeGreaterThan(550);
    expect(hold.deadline).toBeGreaterThan(29_000);
  });

  it.each([
    ['refused', 'rejects'],
    ['answered as unknown', 'unknown'],
  ] as const)('repeats a renewal that was %s, before the deadline (A16)', async (_, answer) => {
    const bench = new Bench();
    bench.answers = [answer, 'held'];
    const hold = bench.grant(3000);
    await bench.clock.advance(2900);

    expect(bench.times('troubled')).toHaveLength(1);
    expect(bench.times('lost')).toEqual([]);
    expect(bench.sent[1]!.at - bench.sent[0]!.at).toBeLessThanOrEqual(250);
    expect(hold.trouble).toBeUndefined();
  });

  it('repeats the first renewal of a claim as the claim needs it, not as the lease would', async () => {
    const bench = new Bench();
    bench.answers = ['silence', 'held'];
    bench.grant(30_000, 2000);
    await bench.clock.advance(5000);

    expect(bench.times('lost')).toEqual([]);
    expect(bench.sent[1]!.at - bench.sent[0]!.at).toBeLessThanOrEqual(350);
  });

  it.each([100, 1000, 30_000])(
    'declares a lease of %i ms lost at its deadline, when nothing is answered (A2)',
    async (ttl) => {
      const bench = new Bench();
      bench.answers = ['silence'];
      bench.grant(ttl);
      await bench.clock.advance(2 * ttl);

      const [lost, ...more] = bench.times('lost');
      expect(more).toEqual([]);
      expect(lost).toBeLessThanOrEqual(deadlineOf(0, ttl));
      expect(lost).toBeGreaterThan(deadlineOf(0, ttl) - 2);
      bench.renewer.close();
      expect(bench.clock.pending).toBeLessThanOrEqual(bench.sent.length);
    },
  );

  it('keeps few timers for locks that came and went, renewed or not', async () => {
    const bench = new Bench();
    for (let i = 0; i < 3000; i += 1) {
      const hold = bench.grant(30_000);
      hold.renews = i % 2 === 0;
      bench.renewer.keep(hold);
      bench.renewer.drop(hold);
      await bench.clock.advance(1);
    }

    expect(bench.clock.pending).toBeLessThan(50);
  });

  it.each([100, 1000, 30_000])(
    'ends a lease of %i ms that is not renewed at its deadline',
    async (ttl) => {
      const bench = new Bench();
      const hold = bench.grant(ttl);
      hold.renews = false;
      bench.renewer.keep(hold);
      await bench.clock.advance(2 * ttl);

      expect(bench.sent).toEqual([]);
      const [lost, ...more] = bench.times('lost');
      expect(more).toEqual([]);
      expect(lost).toBeLessThanOrEqual(deadlineOf(0, ttl));
      expect(lost).toBeGreaterThan(deadlineOf(0, ttl) - 2);
    },
  );

  it('asks about a lease that is not renewed after a reconnect, until there is an answer', async () => {
    const bench = new Bench();
    const hold = bench.grant(30_000);
    hold.renews = false;
    bench.renewer.keep(hold);
    await bench.clock.advance(5000);
    const { deadline } = hold;

    bench.answers = ['unknown', 'rejects', 'held', 'lost'];
    bench.renewer.renewAll();
    await bench.clock.advance(10_000);

    expect(bench.sent).toHaveLength(3);
    for (const { at, commands } of bench.sent)
      expect(at + commands[0]!.ttl).toBeLessThanOrEqual(deadline);
    expect(hold.deadline).toBe(deadline);
    expect(bench.times('lost')).toEqual([]);
    bench.renewer.renewAll();
    await bench.clock.advance(10);
    expect(bench.times('lost')).toHaveLength(1);
  });

  it('counts a lease from the moment its renewal was sent, not answered', async () => {
    const bench = new Bench();
    bench.latency = 100;
    const hold = bench.grant(1000);
    await bench.clock.advance(500);

    expect(hold.deadline).toBeCloseTo(deadlineOf(bench.sent[0]!.at, 1000), 6);
  });

  it('has no renewal act after the deadline of its lease', async () => {
    const bench = new Bench();
    bench.answers = ['rejects'];
    const { deadline } = bench.grant(1000);
    await bench.clock.advance(1500);

    expect(bench.sent.length).toBeGreaterThan(1);
    const until = bench.sent.flatMap(({ commands }) => commands.map((one) => one.until));
    expect(new Set(until)).toEqual(new Set([deadline]));
  });

  it('tells at once that Redis has the lock no longer', async () => {
    const bench = new Bench();
    bench.answers = ['held', 'lost'];
    bench.grant(900);
    await bench.clock.advance(900);

    expect(bench.times('lost')).toHaveLength(1);
    expect(bench.times('lost')[0]).toBe(bench.sent[1]!.at + bench.latency);
    bench.renewer.close();
    expect(bench.clock.pending).toBe(0);
  });

  it('sends what is due at about the same time in one command', async () => {
    const bench = new Bench();
    for (let i = 0; i < 50; i += 1) {
      bench.grant(30_000);
      await bench.clock.advance(5);
    }
    await bench.clock.advance(10_000);

    expect(bench.sent.length).toBeLessThanOrEqual(2);
    expect(bench.sent.flatMap(({ commands }) => commands)).toHaveLength(50);
  });

  it('never sends a renewal of what was dropped, nor for who wants none', async () => {
    const bench = new Bench();
    const dropped = bench.grant(1000);
    const once = bench.grant(1000);
    once.renews = false;
    bench.renewer.keep(once);
    bench.renewer.drop(dropped);
    await bench.clock.advance(3000);

    expect(bench.sent).toEqual([]);
    expect(bench.told).toEqual([['lost', once.key, expect.closeTo(940, 0)]]);
    expect(bench.clock.pending).toBe(0);
  });

  it('forgets an answer for what was dropped meanwhile', async () => {
    const bench = new Bench();
    bench.latency = 50;
    const hold = bench.grant(900);
    await bench.clock.advance(310);
    bench.renewer.drop(hold);
    await bench.clock.advance(3000);

    expect(bench.told).toEqual([]);
    expect(bench.sent).toHaveLength(1);
    expect(bench.clock.pending).toBe(0);
  });

  it('sends one command for all that ask out of turn in one tick', async () => {
    const bench = new Bench();
    const holds = [bench.grant(30_000), bench.grant(30_000)];
    holds[0]!.fencesWanted = 17;
    const outcomes = Promise.all([...holds, ...holds].map((hold) => bench.renewer.renewNow(hold)));
    await bench.clock.advance(10);

    expect(await outcomes).toEqual(['held', 'held', 'held', 'held']);
    expect(bench.sent).toHaveLength(1);
    expect(bench.sent[0]!.commands).toMatchObject([{ fences: 17 }, { fences: 0 }]);
  });

  it('renews everything when the server may be another one', async () => {
    const bench = new Bench();
    bench.grant(30_000);
    bench.grant(600_000);
    bench.renewer.renewAll();
    await bench.clock.advance(10);

    expect(bench.sent).toMatchObject([{ commands: [{}, {}] }]);
  });

  it('repeats that soon when the other server did not take it', async () => {
    const bench = new Bench();
    bench.answers = ['rejects', 'held'];
    const hold = bench.grant(30_000);
    await bench.clock.advance(1000);
    bench.renewer.renewAll();
    await bench.clock.advance(2100);

    expect(bench.sent).toHaveLength(2);
    expect(bench.sent[1]!.at - bench.sent[0]!.at).toBeLessThanOrEqual(2001);
    expect(hold.deadline).toBeGreaterThan(bench.clock.now() + 28_000);
    await bench.clock.advance(8000);
    expect(bench.sent).toHaveLength(2);
  });

  it('renews everything anew before its turn comes anyway, never later', async () => {
    const bench = new Bench();
    bench.answers = ['rejects'];
    bench.grant(900);
    await bench.clock.advance(250);
    bench.renewer.renewAll();
    await bench.clock.advance(51);

    expect(bench.sent).toHaveLength(2);
  });
});

describe('LeaseRenewer, when the wall clock runs ahead of the monotonic one', () => {
  it('asks Redis at once, and goes on when the lock is still held: the clock was set', async () => {
    const bench = new Bench();
    const hold = bench.grant(30_000);
    await bench.clock.advance(2500);
    bench.clock.stepWall(3_600_000);
    await bench.clock.advance(1100);

    expect(bench.sent).toHaveLength(1);
    expect(bench.times('lost')).toEqual([]);
    expect(hold.deadline).toBeGreaterThan(bench.clock.now() + 28_000);
  });

  it('tells of the loss when Redis says so: the machine was suspended (F20)', async () => {
    const bench = new Bench();
    bench.grant(30_000);
    await bench.clock.advance(2500);
    bench.answers = ['lost'];
    bench.clock.stepWall(60_000);
    await bench.clock.advance(1100);

    expect(bench.times('lost')).toHaveLength(1);
  });

  it('tells of the loss when Redis does not answer in time', async () => {
    const bench = new Bench();
    const hold = bench.grant(30_000);
    await bench.clock.advance(2500);
    bench.answers = ['silence'];
    bench.clock.stepWall(60_000);
    await bench.clock.advance(1000);
    expect(hold.deadline).toBeLessThan(bench.clock.now());
    await bench.clock.advance(COMMAND_TIMEOUT + 10);

    expect(bench.times('lost')).toHaveLength(1);
  });

  it('never tells later than at the deadline that is left', async () => {
    const bench = new Bench();
    const hold = bench.grant(1000, 1000);
    await bench.clock.advance(900);
    const before = hold.deadline;
    bench.answers = ['silence'];
    bench.clock.stepWall(200);
    await bench.clock.advance(2000);

    const [lost] = bench.times('lost');
    expect(hold.deadline).toBeLessThan(before);
    expect(lost).toBeLessThanOrEqual(hold.deadline + 1);
  });

  it('does nothing about a clock that was set back, or that drifts', async () => {
    const bench = new Bench();
    const hold = bench.grant(30_000);
    const before = hold.deadline;
    for (let i = 0; i < 5; i += 1) {
      bench.clock.stepWall(i === 0 ? -60_000 : 20);
      await bench.clock.advance(1000);
    }

    expect(bench.sent).toEqual([]);
    expect(hold.deadline).toBe(before);
  });
});
