import { type LockError, LockLostError, type LockUnavailableError } from '../api/errors.js';
import { eventOf, type LockEventEmitter, type Via } from '../api/lock-events.js';
import type { ReleaseReply } from '../store/lock-store.js';
import type { CallerLock } from './caller-lock.js';

/** Tells listeners what becomes of a lock in its caller's hands. */
export class HolderEvents {
  constructor(private readonly events: LockEventEmitter) {}

  acquired(lock: CallerLock, waiter: { readonly waitedMs: number }, via: Via): void {
    const { observed } = lock.request;
    const heard = this.events.hears('acquired');
    if (observed === undefined && !heard) return;
    const { waitedMs } = waiter;
    observed?.acquired(waitedMs, via, lock.fencingToken);
    if (!heard) return;
    this.events.emit('acquired', { ...eventOf(lock.key, lock.request), waitedMs, via });
  }

  renewed(lock: CallerLock): void {
    if (!this.events.hears('renewed')) return;
    this.events.emit('renewed', eventOf(lock.key, lock.request));
  }

  troubled(lock: CallerLock, error: LockUnavailableError): void {
    this.events.emit('unavailable', { ...eventOf(lock.key, lock.request), error });
  }

  lost(lock: CallerLock, error: LockLostError): void {
    const { heldMs } = lock;
    lock.request.observed?.ended('lost', heldMs, error);
    this.events.emit('lost', { ...eventOf(lock.key, lock.request), heldMs, error });
  }

  /** Returns whether anybody was told: listeners may have taken any time. */
  released(lock: CallerLock): boolean {
    const { observed } = lock.request;
    const heard = this.events.hears('released');
    if (observed === undefined && !heard) return false;
    const { heldMs } = lock;
    observed?.ended('released', heldMs);
    if (heard) this.events.emit('released', { ...eventOf(lock.key, lock.request), heldMs });
    return true;
  }

  /** Tells how a hold ended that leaves its lock held: an event only when it went wrong. */
  async detaching(lock: CallerLock, ticket: Promise<string>): Promise<string> {
    try {
      const text = await ticket;
      lock.request.observed?.ended('detached', lock.heldMs);
      return text;
    } catch (error) {
      if (error instanceof LockLostError) this.lost(lock, error);
      else this.#releaseFailed(lock, error as LockError);
      throw error;
    }
  }

  /** Tells how a release ended, and passes on what the caller gets of it. */
  async releasing(lock: CallerLock, reply: Promise<ReleaseReply>): Promise<'released' | 'lost'> {
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

  #releaseFailed(lock: CallerLock, error: LockError): void {
    lock.request.observed?.ended('release-failed', lock.heldMs, error);
    this.events.emit('release-failed', { ...eventOf(lock.key, lock.request), error });
  }
}
