import { LockConfigError, type LockUnavailableError } from '../api/errors.js';
import { claimTerms, heldTerms, type LeaseTerms } from '../store/lease-terms.js';
import {
  type AcquireReply,
  type Grant,
  NotAppliedError,
  type PartialHold,
  type PollReply,
  type QueuePlace,
} from '../store/lock-store.js';
import { claimOf } from '../store/token.js';
import { settleYield, type Yield } from '../store/yield.js';
import type { AcquisitionContext, AttemptOwner } from './acquisition-owner.js';
import { PendingCommand } from './pending-command.js';
import { PollTimer } from './poll-timer.js';

/** One token's way to the lock: asks once, then keeps its place in the queue until it is granted. */
export class Attempt {
  readonly token: string;
  readonly ttl: number;
  #state: 'asking' | 'queued' | 'over' = 'asking';
  /** How many wait behind it, told before the answer that gives the lock. */
  #wanted = 0;
  readonly #polls: PollTimer;
  readonly pending: PendingCommand;

  constructor(
    private readonly owner: AttemptOwner,
    private readonly context: AcquisitionContext,
  ) {
    const { fences, label, capacity } = owner.callers;
    this.ttl = owner.callers.ttl;
    this.token = context.mint.next(claimOf(this.ttl), fences, label, capacity);
    this.#polls = new PollTimer(context.clock, this, owner.hasMadeWay);
    this.pending = new PendingCommand(context.clock, context.settings.commandTimeout);
    // Known before it is sent: a fifth of the grants overtake the reply that announces the wait.
    context.routes.watch(this.token, this);
  }

  get isQueued(): boolean {
    return this.#state === 'queued';
  }

  ask(ticket: number | undefined, yields: Yield | undefined): void {
    const { context, token, ttl } = this;
    const { key, fences, patient, waiters: callers } = this.owner.callers;
    const until = this.pending.sent();
    const queue = patient ? { callers, ticket } : undefined;
    const command = { key, token, ttl, until, fences, queue, yields: yields?.token };
    const asked = context.store.acquire(command);
    if (yields !== undefined) settleYield(yields, asked);
    this.#listen(asked);
  }

  /** The lock was handed to this token. */
  granted(grant: Grant): void {
    if (this.#state === 'over') return;
    const now = this.context.clock.now();
    const terms = this.pending.mayBeOver ? undefined : claimTerms(grant, claimOf(this.ttl), now);
    if (terms !== undefined) return this.#win(terms);
    // It is too old to start on; the answer of the next poll decides.
    this.#polls.soon(0);
    this.hurry();
  }

  /** Another process began to wait, or left. */
  wanted(queue: number): void {
    this.#wanted = queue;
  }

  /** An operator took the lock. */
  revoked(): void {
    this.pending.revoked();
  }

  /** It is to ask in `inMs`: the lock comes free without a release, or it has to show that it lives. */
  recheck(inMs: number): void {
    if (this.#state === 'queued' && this.pending.since === undefined)
      this.#polls.atLatest(inMs + 1);
    else this.#polls.soon(inMs + 1);
  }

  /** Asks for its place at once. */
  hurry(): void {
    if (this.#state !== 'queued' || this.pending.since !== undefined) return;
    const { key, waiters: callers } = this.owner.callers;
    this.#polls.stop();
    const command = { key, token: this.token, until: this.pending.sent(), callers };
    this.#listen(this.context.store.poll(command));
  }

  /** Nobody wants the lock any more: gives back the place, the lock or whatever the token has. */
  cancel(): void {
    if (this.#state === 'over') return;
    this.#end();
    this.#discard();
  }

  #listen(asked: Promise<AcquireReply | PollReply>): void {
    asked.then(
      (reply) => this.#answered(reply),
      (error: LockUnavailableError | LockConfigError) => this.#failed(error),
    );
  }

  #answered(reply: AcquireReply | PollReply): void {
    if (this.#state === 'over')
      return this.#ghost(reply.kind !== 'busy' && reply.kind !== 'gone' && reply.kind !== 'stale');
    this.pending.answered();
    switch (reply.kind) {
      case 'held':
        return this.#held(reply);
      case 'queued':
        return this.#queued(reply);
      case 'partial':
        return this.#partial(reply);
      case 'busy':
        return this.#busy(reply);
      case 'gone':
        this.#end();
        return this.owner.again(true);
      case 'stale':
        if (this.#state === 'queued') return this.#polls.failed();
        this.#end();
        return this.owner.again(false);
    }
  }

  #failed(error: LockUnavailableError | LockConfigError): void {
    // Given up while it was asked for: what it did may have come after what gave it back.
    if (this.#state === 'over') return this.#ghost(!(error instanceof NotAppliedError));
    this.pending.answered();
    if (this.#state === 'queued' && !(error instanceof LockConfigError)) {
      this.#polls.failed();
      return this.owner.troubled(error);
    }
    this.#end();
    if (!(error instanceof NotAppliedError)) this.#discard();
    this.owner.failed(error);
  }

  #queued(place: QueuePlace & { readonly sentAt: number }): void {
    this.#state = 'queued';
    this.#polls.queued(place);
    this.owner.busy(place, place.ticket);
  }

  /** Its turn has come, but others have the rest of the nodes: asks again soon, and makes way when that lasts. */
  #partial(reply: PartialHold & { readonly sentAt: number }): void {
    this.#state = 'queued';
    if (this.#polls.split(this.owner.callers.patient)) return this.owner.busy(reply);
    if (this.owner.callers.patient) {
      this.cancel();
      return this.owner.makeWay();
    }
    this.#discard();
    this.#busy(reply);
  }

  #busy(lock: Parameters<AttemptOwner['busy']>[0]): void {
    this.#end();
    this.owner.busy(lock);
    this.owner.turnedAway();
  }

  /** Terms that are over already are no lock. */
  #held(reply: Extract<PollReply, { kind: 'held' }>): void {
    const terms = heldTerms(reply, this.context.clock.now());
    if (terms !== undefined && !this.pending.mayBeOver) return this.#win(terms);
    this.cancel();
    this.owner.again(false);
  }

  /** The token lives on with its new user. */
  #win(terms: LeaseTerms): void {
    this.#stop();
    const queue = this.#wanted;
    this.owner.won(this, queue > terms.queue ? { ...terms, queue } : terms);
  }

  #end(): void {
    this.#stop();
    this.context.routes.forget(this.token);
  }

  #stop(): void {
    this.#state = 'over';
    this.pending.answered();
    this.#polls.stop();
  }

  /** The ghost rule: what a token got that nobody here uses any more is given back. */
  #ghost(gotSomething: boolean): void {
    if (gotSomething && !this.context.routes.knows(this.token)) this.#discard();
  }

  #discard(): void {
    this.context.releaser.discard(this.owner.callers.key, this.token, this.ttl);
  }
}
