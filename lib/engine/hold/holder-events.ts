import { type LockError, LockLostError, type LockUnavailableError } from '../api/errors.js';
import type { LockEventEmitter } from '../api/lock-event-emitter.js';
import { eventOf, type LockEvent, type LockEventTopics, type Via } from '../api/lock-events.js';
import type { LockRequest } from '../api/lock-options.js';
import type { ReleaseReply } from '../store/lock-store.js';

/** A lock in its caller's hands, as far as listeners hear of it. */
export interface HeldCall {
  readonly key: string;
  readonly keys: readonly string[];
  readonly fencingToken: number;
  readonly heldMs: number;
  readonly request: LockRequest;
}

/** Tells listeners what becomes of a lock in its caller's hands. */
export class HolderEvents {
  constructor(private readonly events: LockEventEmitter) {}

  acquired(lock: HeldCall, waiter: { readonly waitedMs: number }, via: Via): void {
    const { observed } = lock.request;
    const { acquired } = this.#of(lock);
    const { isHeard } = acquired;
    if (observed === undefined && !isHeard) return;
    const { waitedMs } = waiter;
    observed?.acquired(waitedMs, via, lock.fencingToken);
    if (isHeard) acquired.tell({ waitedMs, via, ...eventFor(lock) });
  }

  renewed(lock: HeldCall): void {
    const { renewed } = this.#of(lock);
    if (renewed.isHeard) renewed.tell(eventFor(lock));
  }

  troubled(lock: HeldCall, error: LockUnavailableError): void {
    this.#of(lock).unavailable.tell({ ...eventFor(lock), error });
  }

  lost(lock: HeldCall, error: LockLostError): void {
    const { heldMs } = lock;
    lock.request.observed?.ended('lost', heldMs, error);
    this.#of(lock).lost.tell({ ...eventFor(lock), heldMs, error });
  }

  /** Returns whether anybody was told: listeners may have taken any time. */
  released(lock: HeldCall): boolean {
    const { observed } = lock.request;
    const { released } = this.#of(lock);
    const { isHeard } = released;
    if (observed === undefined && !isHeard) return false;
    const { heldMs } = lock;
    observed?.ended('released', heldMs);
    if (isHeard) released.tell({ heldMs, ...eventFor(lock) });
    return true;
  }

  /** Tells how a hold ended that leaves its lock held: an event only when it went wrong. */
  async detaching<T>(lock: HeldCall, sent: Promise<T>): Promise<T> {
    try {
      const detached = await sent;
      lock.request.observed?.ended('detached', lock.heldMs);
      return detached;
    } catch (error) {
      if (error instanceof LockLostError) this.lost(lock, error);
      else this.#releaseFailed(lock, error as LockError);
      throw error;
    }
  }

  /** Tells how a release ended, and passes on what the caller gets of it. */
  async releasing(lock: HeldCall, reply: Promise<ReleaseReply>): Promise<'released' | 'lost'> {
    try {
      if ((await reply) !== 'not-held') {
        this.released(lock);
        return 'released';
      }
    } catch (thrown) {
      this.#releaseFailed(lock, thrown as LockError);
      throw thrown;
    }
    const why = 'Redis had it no longer under our token when it was released.';
    this.lost(lock, new LockLostError(lock.keys, lock.heldMs, why));
    return 'lost';
  }

  #releaseFailed(lock: HeldCall, error: LockError): void {
    lock.request.observed?.ended('release-failed', lock.heldMs, error);
    this.#of(lock)['release-failed'].tell({ ...eventFor(lock), error });
  }

  #of({ request }: HeldCall): LockEventTopics {
    return this.events.of(request);
  }
}

/** Spread it last: adding to a spread object costs some µs on Node 20, and `acquired` and `released` come with every lock. */
function eventFor({ key, keys, request }: HeldCall): LockEvent {
  return eventOf(key, request, keys);
}
