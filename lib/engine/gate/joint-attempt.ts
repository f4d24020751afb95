import { PendingCommand } from '../acquire/pending-command.js';
import { type LockError, LockUnavailableError } from '../api/errors.js';
import type { LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import type { CallerLock } from '../hold/caller-lock.js';
import type { TenureGrant } from '../hold/tenure-owner.js';
import { Waiter, type WaiterOwner } from '../queue/waiter.js';
import { heldTerms } from '../store/lease-terms.js';
import { NotAppliedError } from '../store/lock-store.js';
import type { BusyMember, SetGrant, SetReply } from '../store/set-store.js';
import { claimOf } from '../store/token.js';
import type { Gate, GateContext } from './gate-context.js';

/** What became of one step for several locks. */
export type JointOutcome =
  | { readonly kind: 'held'; readonly locks: readonly CallerLock[] }
  | ({ readonly kind: 'busy' } & BusyMember)
  | { readonly kind: 'stale' };

/** Gives one of the locks to the call. */
type Adopt = (key: string, grant: Omit<TenureGrant, 'key'>) => CallerLock;

/** The command's own timeout comes first: it can tell more. */
const GRACE_MS = 50;

/** Asks for several locks in one step, for one call: all of them, or none. */
export class JointAttempt implements Gate, WaiterOwner<JointOutcome> {
  readonly key: string;
  readonly capacity: number;
  readonly #locks: readonly { readonly key: string; readonly token: string; queue: number }[];
  readonly #waiter: Waiter<JointOutcome>;
  readonly #pending: PendingCommand;
  #isOver = false;

  constructor(
    private readonly keys: LockKeys,
    private readonly request: LockRequest,
    isInside: boolean,
    private readonly context: GateContext,
    private readonly adopt: Adopt,
  ) {
    const { mint, clock, settings } = context;
    const { ttl, label, capacity, wait } = request;
    this.key = keys[0];
    this.capacity = capacity;
    this.#pending = new PendingCommand(clock, settings.commandTimeout);
    this.#locks = keys.map((key) => {
      return { key, token: mint.next(claimOf(ttl), 1, label, capacity), queue: 0 };
    });
    const bound = wait === 0 ? settings.commandTimeout + GRACE_MS : wait;
    this.#waiter = new Waiter(request, clock, bound, this, isInside);
  }

  /** Asks once; rejects when the call's `wait` is over before there is an answer. */
  ask(): Promise<JointOutcome> {
    const { routes, store } = this.context;
    // Known before it is sent: somebody may wait for one of them before the answer is here.
    for (const lock of this.#locks)
      routes.watch(lock.token, { wanted: (queue) => void (lock.queue = queue) });
    const until = this.#pending.sent();
    store.sets?.acquire({ locks: this.#locks, ttl: this.request.ttl, until }).then(
      (reply) => this.#answered(reply),
      (error: LockError) => this.#fail(error, !(error instanceof NotAppliedError)),
    );
    return this.#waiter.promise;
  }

  clear(error: () => LockError, isMeant: (isInside: boolean) => boolean): void {
    if (isMeant(this.#waiter.isInside)) this.#fail(error(), true);
  }

  /** Nobody has the locks yet. */
  evict(): void {}

  /** The command's own timeout ends it. */
  unreachable(): void {}

  reconnected(): void {}

  left(_waiter: unknown, aborted?: { readonly reason: unknown }): void {
    this.#fail(aborted ? aborted.reason : this.#unanswered(), true);
  }

  #answered(reply: SetReply): void {
    const isLate = this.#isOver;
    this.#isOver = true;
    // Given up while it was asked for: it may have been taken after what gave it back.
    if (isLate) return reply.kind === 'held' ? this.#discard() : undefined;
    const outcome = reply.kind === 'held' ? this.#held(reply) : reply;
    if (outcome.kind !== 'held') this.#forget();
    this.context.emptied(this);
    this.#waiter.resolve(outcome);
  }

  /** A lease that is over already is none. */
  #held(reply: SetGrant & { readonly sentAt: number }): JointOutcome {
    const { sentAt, fence } = reply;
    const { ttl } = this.request;
    const fences = { next: fence, last: fence };
    const now = this.context.clock.now();
    const terms = heldTerms({ sentAt, lease: ttl, fences, queue: 0 }, now);
    if (terms === undefined || this.#pending.isOld) {
      this.#discard();
      return { kind: 'stale' };
    }
    const locks = this.#locks.map(({ key, token, queue }) =>
      this.adopt(key, { token, ttl, terms: { ...terms, queue } }),
    );
    return { kind: 'held', locks };
  }

  /** @param mayHold Whether some of the locks may have been taken. */
  #fail(reason: unknown, mayHold: boolean): void {
    if (mayHold) this.#discard();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    this.context.emptied(this);
    this.#waiter.reject(reason);
  }

  #forget(): void {
    for (const { token } of this.#locks) this.context.routes.forget(token);
  }

  #discard(): void {
    for (const { key, token } of this.#locks)
      this.context.releaser.discard(key, token, this.request.ttl);
  }

  #unanswered(): LockUnavailableError {
    const waited = Math.round(this.#waiter.waitedMs);
    const outage = this.context.outage(this.keys);
    const why = outage === undefined ? '.' : `: ${outage.reason}`;
    const reason = `Redis gave no usable answer within ${waited} ms${why}`;
    return new LockUnavailableError(this.keys, reason, outage?.cause, outage?.nodes);
  }
}
