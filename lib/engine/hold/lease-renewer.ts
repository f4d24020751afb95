import { renewalRetry } from '../store/lease.js';
import type { LockStore, RenewCommand, RenewReply } from '../store/lock-store.js';
import type { Clock, Timer } from '../time/clock.js';
import { DueTimes } from '../time/due-times.js';
import type { LeaseState } from './lease-state.js';

/** What became of one renewal. */
export type RenewalOutcome = 'held' | 'lost' | 'unknown';

const WATCH_MS = 1000;
const SUSPECT_MS = 50;
/** Renewals are brought forward by up to this share of the lease that is left, to go out together. */
const GRAIN_SHARE = 1 / 32;

/**
 * Keeps leases alive: renews at a third, all that are due in one command, repeats what failed,
 * and declares a lease lost at its local deadline, answered or not.
 */
export class LeaseRenewer {
  readonly #due: DueTimes<LeaseState>;
  readonly #soon = new Map<LeaseState, ((outcome: RenewalOutcome) => void)[]>();
  #watch: Timer | undefined;
  /** Wall clock minus monotonic clock, when last looked at. */
  #skew = 0;

  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
    private readonly commandTimeout: number,
  ) {
    this.#due = new DueTimes(clock, (holds) => this.#onDue(holds));
  }

  /** Looks after `hold` from here on, or again after its terms have changed. */
  keep(hold: LeaseState): void {
    // What the clocks did while nothing was held is of no interest.
    if (this.#due.size === 0) this.#skew = this.clock.wall() - this.clock.now();
    this.#schedule(hold, hold.renewAt);
    if (this.#watch === undefined) this.#watchClocks();
  }

  drop(hold: LeaseState): void {
    this.#due.delete(hold);
  }

  /** Ends all timers. */
  close(): void {
    this.#due.close();
    this.clock.cancel(this.#watch);
  }

  /** Renews out of turn, together with what else is asked for in this tick. */
  renewNow(hold: LeaseState): Promise<RenewalOutcome> {
    return new Promise((resolve) => {
      const others = this.#soon.get(hold);
      if (others !== undefined) {
        others.push(resolve);
        return;
      }
      if (this.#soon.size === 0) queueMicrotask(() => this.#flushSoon());
      this.#soon.set(hold, [resolve]);
    });
  }

  /** Renews everything at once: the server may be another one, and may not take it yet. */
  renewAll(): void {
    const holds = [...this.#due.items()].filter((hold) => hold.renews);
    void this.#send(holds).then((outcomes) => {
      holds.forEach((hold, i) => {
        const now = this.clock.now();
        if (outcomes[i] !== 'unknown' || !this.#keeps(hold) || hold.deadline <= now) return;
        const again = now + renewalRetry(Math.min(hold.ttl, hold.lease));
        if (again < hold.renewAt) this.#schedule(hold, again);
      });
    });
  }

  #flushSoon(): void {
    const asked = [...this.#soon];
    this.#soon.clear();
    void this.#send(asked.map(([hold]) => hold)).then((outcomes) => {
      asked.forEach(([, resolves], i) =>
        resolves.forEach((resolve) => resolve(outcomes[i] ?? 'unknown')),
      );
    });
  }

  #onDue(holds: readonly LeaseState[]): void {
    const now = this.clock.now();
    const due: LeaseState[] = [];
    for (const hold of holds) {
      // A timer may fire up to a millisecond before its time.
      if (now + 1 >= hold.deadline) {
        hold.owner.lost(hold, 'its lease could not be renewed in time.', true);
      } else {
        if (hold.renews) due.push(hold);
        this.#schedule(hold, now + renewalRetry(Math.min(hold.ttl, hold.lease)));
      }
    }
    void this.#send(due);
  }

  #schedule(hold: LeaseState, renewAt: number): void {
    const at = hold.renews && renewAt < hold.deadline ? renewAt : hold.deadline;
    // Coarse, and looked at again when it is near: a lock is given back long before its deadline.
    this.#due.set(hold, at, this.#grain(hold));
  }

  /** A power of two, so that leases of about one length have one grain. */
  #grain(hold: LeaseState): number {
    const left = hold.deadline - this.clock.now();
    return Math.max(1, 2 ** Math.floor(Math.log2(left * GRAIN_SHARE)));
  }

  /** @param until After which moment a renewal must not act. @default the lease's own deadline */
  async #send(holds: readonly LeaseState[], until?: number): Promise<readonly RenewalOutcome[]> {
    if (holds.length === 0) return [];
    const commands = holds.map((hold): RenewCommand => {
      const { key, token, ttl, deadline, owner, fencesWanted: fences } = hold;
      return { key, token, ttl, until: until ?? deadline, fences, callers: owner.waiters };
    });
    for (const hold of holds) hold.fencesWanted = 0;
    try {
      const replies = await this.store.renew(commands);
      return holds.map((hold, i) => this.#apply(hold, commands[i]?.ttl ?? hold.ttl, replies[i]));
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
    hold.confirm(reply.sentAt, ttl, reply.fences);
    hold.heard(reply.queue, reply.sentAt);
    if (!this.#keeps(hold)) return 'held';
    this.#schedule(hold, hold.renewAt);
    hold.owner.renewed(hold);
    return 'held';
  }

  #fail(hold: LeaseState, error: Error): RenewalOutcome {
    hold.trouble = error;
    if (this.#keeps(hold)) hold.owner.troubled(hold, error);
    return 'unknown';
  }

  /** Whether the hold was not dropped while its renewal was on its way. */
  #keeps(hold: LeaseState): boolean {
    return this.#due.has(hold);
  }

  /**
   * The monotonic clock stands still while a machine is suspended, the lease does not. When the
   * wall clock ran ahead, the difference is taken off every deadline and Redis is asked at once;
   * its answer decides, since the wall clock may only have been set.
   */
  #watchClocks(): void {
    this.#watch = undefined;
    if (this.#due.size === 0) return;
    this.#watch = this.clock.after(WATCH_MS, () => this.#watchClocks(), 'observer');
    const skew = this.clock.wall() - this.clock.now();
    const ahead = skew - this.#skew;
    this.#skew = skew;
    if (ahead <= SUSPECT_MS) return;
    const now = this.clock.now();
    const asked: LeaseState[] = [];
    for (const hold of [...this.#due.items()]) {
      hold.deadline -= ahead;
      if (hold.renews) asked.push(hold);
      // Past its deadline only the answer can tell; until then the deadline stands, answered or not.
      if (hold.deadline > now) this.#schedule(hold, now + renewalRetry(hold.lease));
      else this.#due.set(hold, hold.renews ? now + this.commandTimeout : now, 1);
    }
    void this.#send(asked, now + this.commandTimeout);
  }
}
