import { PendingCommand } from '../acquire/pending-command.js';
import type { LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import type { CallerLock } from '../hold/caller-lock.js';
import type { TenureGrant } from '../hold/tenure-owner.js';
import { heldTerms } from '../store/lease-terms.js';
import { NotAppliedError } from '../store/lock-store.js';
import type { BusyMember, SetGrant, SetReply, SetStore } from '../store/set-store.js';
import { claimOf } from '../store/token.js';
import type { GateContext } from './gate-context.js';

/** What became of one step for several locks. */
export type JointOutcome =
  /** The locks are in the order in which they are given back. */
  | { readonly kind: 'held'; readonly locks: readonly CallerLock[] }
  | ({ readonly kind: 'busy' } & BusyMember)
  | { readonly kind: 'stale' };

/** Gives one of the locks to the call. */
type Adopt = (key: string, grant: TenureGrant) => CallerLock;

/** Asks once for several locks in one step, for one call: all of them, or none. */
export class JointAttempt {
  readonly #locks: readonly { readonly key: string; readonly token: string; queue: number }[];
  readonly #pending: PendingCommand;
  /** Whether its answer is wanted, and has not come. */
  #isAsked = false;
  /** What came of it. */
  #taken: readonly CallerLock[] = [];

  constructor(
    keys: LockKeys,
    private readonly request: LockRequest,
    private readonly context: GateContext,
    private readonly adopt: Adopt,
  ) {
    const { mint, clock, settings } = context;
    const { ttl, label, capacity } = request;
    this.#pending = new PendingCommand(clock, settings.commandTimeout);
    this.#locks = keys.map((key) => {
      return { key, token: mint.next(claimOf(ttl), 1, label, capacity), queue: 0 };
    });
  }

  async ask(): Promise<JointOutcome> {
    const { routes, store } = this.context;
    // Known before it is sent: somebody may wait for one of them before the answer is here.
    for (const lock of this.#locks)
      routes.watch(lock.token, {
        wanted: (queue) => void (lock.queue = queue),
        revoked: () => this.#pending.revoked(),
      });
    this.#isAsked = true;
    const until = this.#pending.sent();
    const command = { locks: this.#locks, ttl: this.request.ttl, until };
    try {
      return this.#answered(await (store.sets as SetStore).acquire(command));
    } catch (error) {
      if (!(error instanceof NotAppliedError)) this.#discard();
      this.#end();
      throw error;
    }
  }

  /** Nobody wants the locks any more: gives back what it has, or may get. */
  cancel(): void {
    for (const lock of this.#taken) lock.release().catch(() => undefined);
    if (!this.#isAsked) return;
    this.#end();
    this.#discard();
  }

  #answered(reply: SetReply): JointOutcome {
    if (!this.#isAsked) {
      // Given up while it was asked for: it may have been taken after what gave it back.
      if (reply.kind === 'held') this.#discard();
      return { kind: 'stale' };
    }
    this.#isAsked = false;
    const outcome = reply.kind === 'held' ? this.#held(reply) : reply;
    if (outcome.kind !== 'held') this.#end();
    return outcome;
  }

  /** A lease that is over already is none. */
  #held({ sentAt, fence }: SetGrant & { readonly sentAt: number }): JointOutcome {
    const { ttl } = this.request;
    const fences = { next: fence, last: fence };
    const now = this.context.clock.now();
    const terms = heldTerms({ sentAt, lease: ttl, fences, queue: 0 }, now);
    if (terms === undefined || this.#pending.mayBeOver) {
      this.#discard();
      return { kind: 'stale' };
    }
    const locks: CallerLock[] = [];
    for (const { key, token, queue } of this.#locks)
      locks.unshift(this.adopt(key, { token, ttl, terms: { ...terms, queue } }));
    this.#taken = locks;
    return { kind: 'held', locks };
  }

  #end(): void {
    this.#isAsked = false;
    for (const { token } of this.#locks) this.context.routes.forget(token);
  }

  #discard(): void {
    for (const { key, token } of this.#locks)
      this.context.releaser.discard(key, token, this.request.ttl);
  }
}
