import type { LockUnavailableError } from '../api/errors.js';
import type { CallerLock } from './caller-lock.js';
import type { HolderEvents } from './holder-events.js';

/** The callers that have the lock by one lease: one after another, or any number at once. */
export class LeaseCallers {
  /** Mostly one: a `Set` would cost more than the rest. */
  readonly #locks: CallerLock[] = [];
  /** Until when callers that have left want the lock to stay locked. */
  #keptUntil: number;
  /** When the lease was renewed last, as callers were told. */
  #renewedAt = -Infinity;

  constructor(
    private readonly events: HolderEvents,
    keptUntil = 0,
  ) {
    this.#keptUntil = keptUntil;
  }

  get size(): number {
    return this.#locks.length;
  }

  /** Label of the one that entered last. */
  get label(): string | undefined {
    return this.#locks.at(-1)?.request.label;
  }

  add(lock: CallerLock): void {
    this.#locks.push(lock);
  }

  /** Returns how long the lock has to stay locked without it, in milliseconds. */
  delete(lock: CallerLock, now: number): number {
    const at = this.#locks.lastIndexOf(lock);
    if (at === this.#locks.length - 1) this.#locks.pop();
    else if (at >= 0) this.#locks.splice(at, 1);
    const { minHold } = lock;
    if (minHold === 0 && this.#keptUntil === 0) return 0;
    const left = minHold === 0 ? 0 : Math.ceil(minHold - lock.heldMs);
    const kept = Math.max(this.#keptUntil, now + left);
    this.#keptUntil = this.#locks.length > 0 ? kept : 0;
    return Math.max(0, Math.ceil(kept - now));
  }

  /** The lease is lost; returns what is left of the callers' `minHold`, in milliseconds. */
  lose(why: string, now: number): number {
    const locks = [...this.#locks];
    let left = 0;
    for (const lock of locks) left = this.delete(lock, now);
    for (const lock of locks) lock.lose(why);
    return left;
  }

  /**
   * The lease got longer.
   *
   * @param at When the command for it was sent.
   * @param apart How long after the last time callers are told of it at the earliest, in milliseconds.
   */
  renewed(at: number, apart: number): void {
    if (at - this.#renewedAt < apart) return;
    this.#renewedAt = at;
    this.#tellEach((lock) => this.events.renewed(lock));
  }

  troubled(error: LockUnavailableError): void {
    this.#tellEach((lock) => this.events.troubled(lock, error));
  }

  /** What listens to one of them may release another. */
  #tellEach(tell: (lock: CallerLock) => void): void {
    for (const lock of [...this.#locks]) if (!lock.over) tell(lock);
  }
}
