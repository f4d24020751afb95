import { ALIVE_MS, type FenceBlock, type StoreListener } from '../engine/store/lock-store.js';
import type { Clock, Timer } from '../engine/time/clock.js';

/** A waiting process at one key. */
export interface MemoryWaiter {
  readonly token: string;
  readonly boot: string;
  readonly ticket: number;
  callers: number;
  aliveUntil: number;
}

/** A lock that is held: by a token, or by nobody while a `minHold` runs on. */
export interface MemoryHolder {
  readonly token: string | undefined;
  expiresAt: number;
  /** Callers that wait in the holder's own process. */
  behind: number;
}

/** What locks in memory are made of: the counterpart of the keys in Redis. Everything is lost with it. */
export class MemorySpace {
  readonly listeners = new Map<string, StoreListener>();
  readonly #holders = new Map<string, MemoryHolder>();
  readonly #queues = new Map<string, MemoryWaiter[]>();
  readonly #minHolds = new Map<string, Timer>();
  #fence = 0;
  #us = 0;

  constructor(readonly clock: Clock) {}

  /** Who holds the lock now; an expired lease is none. */
  holder(key: string): MemoryHolder | undefined {
    const holder = this.#holders.get(key);
    if (holder === undefined || holder.expiresAt > this.clock.now()) return holder;
    this.#holders.delete(key);
    return undefined;
  }

  take(key: string, token: string, lease: number): void {
    this.#holders.set(key, { token, expiresAt: this.clock.now() + lease, behind: 0 });
  }

  free(key: string): void {
    this.clock.cancel(this.#minHolds.get(key));
    this.#minHolds.delete(key);
    this.#holders.delete(key);
  }

  /** Locks the key for everybody; nothing of it is left afterwards. */
  keepLocked(key: string, ms: number): void {
    this.free(key);
    this.#holders.set(key, { token: undefined, expiresAt: this.clock.now() + ms, behind: 0 });
    this.#minHolds.set(
      key,
      this.clock.after(ms, () => this.free(key), 'observer'),
    );
  }

  queue(key: string): readonly MemoryWaiter[] {
    return this.#queues.get(key) ?? [];
  }

  /** Puts the token where its ticket belongs; refreshes it when it is there already. */
  enqueue(key: string, waiter: Omit<MemoryWaiter, 'aliveUntil'>): MemoryWaiter {
    const queue = this.#queues.get(key) ?? [];
    this.#queues.set(key, queue);
    let place = queue.find(({ token }) => token === waiter.token);
    if (place === undefined) {
      place = { ...waiter, aliveUntil: 0 };
      const index = queue.findIndex(({ ticket }) => ticket > waiter.ticket);
      queue.splice(index < 0 ? queue.length : index, 0, place);
    }
    place.callers = waiter.callers;
    place.aliveUntil = this.clock.now() + ALIVE_MS;
    return place;
  }

  /** Takes a token out of the queue; without one the head. */
  dequeue(key: string, token?: string): MemoryWaiter | undefined {
    const queue = this.#queues.get(key) ?? [];
    const index = token === undefined ? 0 : queue.findIndex((waiter) => waiter.token === token);
    const [waiter] = index < 0 ? [] : queue.splice(index, 1);
    if (queue.length === 0) this.#queues.delete(key);
    return waiter;
  }

  /** Reserves fencing numbers by the same hybrid clock as in Redis. */
  mint(count: number): FenceBlock {
    const us = this.microseconds();
    const next = Math.max(us - count + 1, this.#fence + 1);
    this.#fence = next + count - 1;
    return { next, last: this.#fence };
  }

  /** The wall clock, never the same twice: two waiters never have one ticket. */
  microseconds(): number {
    this.#us = Math.max(Math.floor(this.clock.wall() * 1000), this.#us + 1);
    return this.#us;
  }

  keys(): string[] {
    return [...this.#holders.keys()];
  }

  /** Stops every timer. */
  close(): void {
    for (const timer of this.#minHolds.values()) this.clock.cancel(timer);
    this.#minHolds.clear();
  }
}
