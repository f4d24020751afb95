import { renewalRetry } from '../store/lease.js';
import type { LockStore, RenewCommand, RenewReply } from '../store/lock-store.js';
import { skewOf, suspendedSince } from '../time/clock-skew.js';
import type { Clock } from '../time/clock.js';
import { DueTimes } from '../time/due-times.js';
import { SuspendWatch } from '../time/suspend-watch.js';
import type { LeaseState } from './lease-state.js';
import { TickRenewals } from './tick-renewals.js';

/** What became of one renewal. */
export type RenewalOutcome = 'held' | 'lost' | 'unknown';

/** Renewals are brought forward by up to this share of the time until then, to go out together. */
const GRAIN_SHARE = 1 / 16;

/**
 * Keeps leases alive: renews at a third, all that are due in one command, repeats what failed,
 * and declares a lease lost at its local deadline, answered or not.
 */
export class LeaseRenewer {
  readonly #due: DueTimes<LeaseState>;
  readonly #soon = new TickRenewals<RenewalOutcome>((holds) => this.#send(holds));
  readonly #watch: SuspendWatch;

  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
    private readonly commandTimeout: number,
  ) {
    this.#due = new DueTimes(clock, (holds) => this.#onDue(holds));
    this.#watch = new SuspendWatch(
      clock,
      () => this.#due.size > 0,
      (asleep) => this.#suspended(asleep),
    );
  }

  /** Looks after `hold` from here on, or again after its terms have changed. */
  keep(hold: LeaseState): void {
    if (this.#due.size === 0) this.#watch.reset();
    this.#schedule(hold, hold.renewAt);
    this.#watch.start();
  }

  drop(hold: LeaseState): void {
    this.#due.delete(hold);
  }

  /** Whether `hold` is looked after, or was dropped meanwhile. */
  keeps(hold: LeaseState): boolean {
    return this.#due.has(hold);
  }

  /** Looks at the clocks: before somebody else relies on a lease that was confirmed earlier. */
  checkClocks(now: number): void {
    this.#watch.look(now);
  }

  /** Ends all timers. */
  close(): void {
    this.#due.close();
    this.#watch.close();
  }

  /** Renews out of turn, together with what else is asked for in this tick. */
  renewNow(hold: LeaseState): Promise<RenewalOutcome> {
    return this.#soon.add(hold);
  }

  /** Asks for everything at once: the server may be another one, and may not take it yet. */
  renewAll(): void {
    const holds = [...this.#due.items()];
    void this.#ask(holds).then((outcomes) => {
      holds.forEach((hold, i) => {
        const now = this.clock.now();
        if (outcomes[i] !== 'unknown' || !this.keeps(hold) || hold.deadline <= now) return;
        const again = now + renewalRetry(Math.min(hold.ttl, hold.lease));
        if (!hold.renews || again < hold.renewAt) this.#schedule(hold, again);
      });
    });
  }

  /** Asks whether the lock is still ours, and renews it if it is renewed by itself. */
  async check(hold: LeaseState): Promise<RenewalOutcome> {
    const [outcome = 'unknown'] = await this.#ask([hold]);
    return outcome;
  }

  #onDue(holds: readonly LeaseState[]): void {
    const now = this.clock.now();
    const due: LeaseState[] = [];
    for (const hold of holds) {
      // A timer may fire up to a millisecond before its time.
      if (now + 1 >= hold.deadline) {
        hold.owner.lost(hold, 'its lease could not be renewed in time.', true);
      } else {
        if (hold.renews || hold.troubled) due.push(hold);
        this.#schedule(hold, now + renewalRetry(Math.min(hold.ttl, hold.lease)));
      }
    }
    void this.#ask(due);
  }

  #schedule(hold: LeaseState, renewAt: number): void {
    // One that is not renewed is asked about until Redis confirms it.
    const asks = hold.renews || hold.troubled;
    const at = asks && renewAt < hold.deadline ? renewAt : hold.deadline;
    // Coarse, and looked at again when it is near: a lock is given back long before its deadline.
    this.#due.set(hold, at, this.#grain(at));
  }

  /**
   * A power of two, so that leases of about one length have one grain. It goes by the time until then: a
   * short pause of a long lease that began before now would be over at once, again and again.
   */
  #grain(at: number): number {
    const left = Math.max(1, at - this.clock.now());
    return Math.max(1, 2 ** Math.floor(Math.log2(left * GRAIN_SHARE)));
  }

  /** A lease that is not renewed is asked about: what is left of it is no longer lease. */
  #ask(holds: readonly LeaseState[], until?: number): Promise<readonly RenewalOutcome[]> {
    const now = this.clock.now();
    const left = (hold: LeaseState): number => Math.max(1, Math.floor(hold.deadline - now));
    return this.#send(holds, (hold) => (hold.renews ? hold.ttl : left(hold)), until);
  }

  /** @param until After which moment a renewal must not act. @default the lease's own deadline */
  async #send(
    holds: readonly LeaseState[],
    ttlOf = (hold: LeaseState): number => hold.ttl,
    until?: number,
  ): Promise<readonly RenewalOutcome[]> {
    if (holds.length === 0) return [];
    const sentAt = this.clock.now();
    const skew = skewOf(this.clock);
    const commands = holds.map((hold): RenewCommand => {
      const { key, token, deadline, owner, fencesWanted: fences } = hold;
      hold.pendingSince ??= sentAt;
      hold.fencesWanted = 0;
      const ttl = ttlOf(hold);
      return { key, token, ttl, until: until ?? deadline, fences, callers: owner.waiters };
    });
    try {
      const replies = await this.store.renew(commands);
      this.#watch.look();
      // What was answered before the machine was suspended says nothing about the lease that is left.
      const isOld = suspendedSince(skew, this.clock) > 0;
      return holds.map((hold, i) => {
        const reply = replies[i];
        if (isOld && reply?.kind === 'held') return 'unknown';
        return this.#apply(hold, commands[i]?.ttl ?? hold.ttl, reply);
      });
    } catch (error) {
      return holds.map((hold) => this.#fail(hold, error as Error));
    }
  }

  #apply(hold: LeaseState, ttl: number, reply: RenewReply | undefined): RenewalOutcome {
    if (reply === undefined || reply.kind === 'unknown') {
      return this.#fail(hold, reply?.error ?? new Error('The store gave no reply.'));
    }
    if (reply.kind === 'lost') {
      hold.owner.lost(hold, 'Redis has it no longer under our token.', false);
      return 'lost';
    }
    const longer = hold.confirm(reply.sentAt, ttl, reply.fences);
    hold.heard(reply.queue, reply.sentAt);
    if (!this.keeps(hold)) return 'held';
    this.#schedule(hold, hold.renewAt);
    hold.owner.confirmed(hold, longer);
    return 'held';
  }

  #fail(hold: LeaseState, error: Error): RenewalOutcome {
    hold.troubled = true;
    hold.trouble = error;
    hold.pendingSince = undefined;
    if (this.keeps(hold)) hold.owner.troubled(hold, error);
    return 'unknown';
  }

  /**
   * The machine may have been suspended: that time is taken off every deadline and Redis is asked at
   * once; its answer decides, since the wall clock may only have been set.
   */
  #suspended(asleep: number): void {
    const now = this.clock.now();
    const asked: LeaseState[] = [];
    for (const hold of [...this.#due.items()]) {
      hold.deadline -= asleep;
      // Past its deadline only the answer can tell; until then the deadline stands, answered or not.
      const isOver = hold.deadline <= now;
      if (hold.renews || !isOver) asked.push(hold);
      if (!isOver) this.#schedule(hold, now + renewalRetry(hold.lease));
      else this.#due.set(hold, hold.renews ? now + this.commandTimeout : now, 1);
    }
    void this.#ask(asked, now + this.commandTimeout);
  }
}
