import type { Timer } from './clock.js';
import { backoff } from './demand.js';
import type { AttemptOwner, SeekerContext, Yield } from './demand.js';
import { LockConfigError } from './errors.js';
import type { LockUnavailableError } from './errors.js';
import type { HoldTerms } from './hold.js';
import { claimDeadline, deadlineOf } from './lease.js';
import { NotAppliedError } from './lock-store.js';
import type { AcquireReply, Grant, PollReply, QueuePlace } from './lock-store.js';
import { claimOf } from './token.js';

type Held = Extract<AcquireReply, { kind: 'held' }> | Extract<PollReply, { kind: 'held' }>;

const POLL_MS = 2500;
const PER_RANK_MS = 50;

/** One token's way to the lock: asks once, then keeps its place in the queue until it is granted. */
export class Attempt {
  readonly token: string;
  readonly ttl: number;
  readonly #fences: number;
  #state: 'asking' | 'queued' | 'over' = 'asking';
  /** When the command was sent that has not been answered yet. */
  pendingSince: number | undefined;
  /** A grant came that can't be started on; the answer of the next poll decides. */
  #confirming = false;
  #failures = 0;
  #timer: Timer | undefined;

  constructor(
    private readonly owner: AttemptOwner,
    private readonly context: SeekerContext,
  ) {
    const { ttl, fences, label } = owner.demand;
    this.ttl = ttl;
    this.#fences = fences;
    this.token = context.mint.next(claimOf(ttl), fences, label);
    // Known before it is sent: a fifth of the grants overtake the reply that announces the wait.
    context.registry.watch(this.token, this);
  }

  get isQueued(): boolean {
    return this.#state === 'queued';
  }

  ask(ticket: number | undefined, yields: Yield | undefined): void {
    const { context, token, ttl } = this;
    const { key, patient, waiters: callers } = this.owner.demand;
    const until = this.#sending();
    const queue = patient ? { callers, ticket } : undefined;
    const command = { key, token, ttl, until, fences: this.#fences, queue, yields: yields?.token };
    context.store.acquire(command).then(
      (reply) => {
        if (reply.kind === 'stale') yields?.settle(undefined);
        else yields?.settle(reply.yielded === false ? 'not-held' : 'released');
        this.#answered(reply);
      },
      (error: LockUnavailableError | LockConfigError) => {
        yields?.settle(undefined);
        this.#failed(error);
      },
    );
  }

  /** The lock was handed to this token. */
  granted(grant: Grant): void {
    if (this.#state === 'over') return;
    const lease = claimOf(this.ttl);
    const now = this.context.clock.now();
    const deadline = claimDeadline(grant.expiresAt, lease, now);
    const { fences, queue } = grant;
    if (deadline !== undefined) return this.#win({ sentAt: now, lease, deadline, fences, queue });
    this.#confirming = true;
    this.hurry();
  }

  /** The lock comes free in `inMs` without a release. */
  recheck(inMs: number): void {
    if (this.#state === 'queued') this.#pollIn(inMs + 1);
  }

  /** Asks for its place at once. */
  hurry(): void {
    if (this.#state === 'queued' && this.pendingSince === undefined) this.#poll();
  }

  /** Nobody wants the lock any more: gives back the place, the lock or whatever the token has. */
  cancel(): void {
    if (this.#state === 'over') return;
    this.#end();
    this.#discard();
  }

  #poll(): void {
    const { context, token } = this;
    const { key, waiters: callers } = this.owner.demand;
    context.clock.cancel(this.#timer);
    const until = this.#sending();
    context.store.poll({ key, token, until, callers }).then(
      (reply) => this.#answered(reply),
      (error: LockUnavailableError | LockConfigError) => this.#failed(error),
    );
  }

  #answered(reply: AcquireReply | PollReply): void {
    if (this.#state === 'over')
      return this.#ghost(reply.kind === 'held' || reply.kind === 'queued');
    this.pendingSince = undefined;
    switch (reply.kind) {
      case 'held':
        return this.#held(reply);
      case 'queued':
        return this.#queued(reply);
      case 'busy':
        this.#end();
        this.owner.busy(reply);
        return this.owner.turnedAway();
      case 'gone':
        this.#end();
        return this.owner.again(true);
      case 'stale':
        if (this.#state === 'queued') return this.#pollLater();
        this.#end();
        return this.owner.again(false);
    }
  }

  #failed(error: LockUnavailableError | LockConfigError): void {
    // Given up while it was asked for: what it did may have come after what gave it back.
    if (this.#state === 'over') return this.#ghost(!(error instanceof NotAppliedError));
    this.pendingSince = undefined;
    if (this.#state === 'queued' && !(error instanceof LockConfigError)) {
      this.#pollLater();
      return this.owner.troubled(error);
    }
    this.#end();
    if (!(error instanceof NotAppliedError)) this.#discard();
    this.owner.failed(error);
  }

  #held({ sentAt, lease, fences, queue }: Held): void {
    const deadline = deadlineOf(sentAt, lease);
    if (deadline > this.context.clock.now()) {
      return this.#win({ sentAt, lease, deadline, fences, queue });
    }
    // The answer is older than the lease that it tells of.
    this.#end();
    this.#discard();
    this.owner.again(false);
  }

  #queued(place: QueuePlace & { readonly sentAt: number }): void {
    this.#state = 'queued';
    this.#failures = 0;
    this.#pollIn(place.leaseLeft + place.rank * PER_RANK_MS + 1);
    this.owner.busy(place, place.ticket);
    if (!this.#confirming) return;
    this.#confirming = false;
    this.hurry();
  }

  #pollLater(): void {
    this.#failures += 1;
    this.#pollIn(backoff(this.#failures, this.context.clock));
  }

  #pollIn(ms: number): void {
    const { clock } = this.context;
    clock.cancel(this.#timer);
    this.#timer = clock.after(Math.min(POLL_MS, ms), () => this.hurry());
  }

  /** Takes note that a command goes out; returns after which moment it must not act. */
  #sending(): number {
    this.pendingSince = this.context.clock.now();
    return this.pendingSince + this.context.settings.commandTimeout;
  }

  #win(terms: HoldTerms): void {
    this.#end();
    this.owner.won(this, terms);
  }

  #end(): void {
    this.#state = 'over';
    this.pendingSince = undefined;
    this.context.clock.cancel(this.#timer);
    this.context.registry.forget(this.token);
  }

  /** The ghost rule: what a token got that nobody here uses any more is given back. */
  #ghost(gotSomething: boolean): void {
    if (gotSomething && !this.context.registry.knows(this.token)) this.#discard();
  }

  #discard(): void {
    this.context.releaser.discard(this.owner.demand.key, this.token, this.ttl);
  }
}
