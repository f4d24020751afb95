import { areCompatible, EXCLUSIVE } from '../engine/api/capacity.js';
import { ALIVE_MS, type FenceBlock, type StoreEvents } from '../engine/store/lock-store.js';
import { bootOf, capacityIn } from '../engine/store/token.js';
import { afterReads, type Clock, type Timer } from '../engine/time/clock.js';
import type { MemoryHolder, MemoryLock, MemoryWaiter } from './memory-lock.js';

/** What locks in memory are made of: the counterpart of the keys in Redis. Everything is lost with it. */
export class MemorySpace {
  readonly listeners = new Map<string, StoreEvents>();
  /** Processes that lock as another library does. */
  readonly foreign = new Set<string>();
  readonly #locks = new Map<string, MemoryLock>();
  readonly #queues = new Map<string, MemoryWaiter[]>();
  readonly #minHolds = new Set<Timer>();
  #fence = 0;
  #us = 0;

  constructor(readonly clock: Clock) {}

  /** Who holds the lock now; an expired lease is none. */
  lock(key: string): MemoryLock | undefined {
    const lock = this.#locks.get(key);
    if (lock === undefined) return undefined;
    const now = this.clock.now();
    for (const { token, expiresAt } of lock.holders.values())
      if (expiresAt <= now) lock.holders.delete(token);
    if (lock.holders.size > 0) return lock;
    this.#locks.delete(key);
    return undefined;
  }

  /** @param token Without one, the first of them. */
  holder(key: string, token?: string): MemoryHolder | undefined {
    const holders = this.lock(key)?.holders;
    return token === undefined ? holders?.values().next().value : holders?.get(token);
  }

  /** Whether more than one may hold the lock as it is held. */
  holdsSeveral(key: string): boolean {
    return (this.lock(key)?.capacity ?? EXCLUSIVE) !== EXCLUSIVE;
  }

  /** Whether a token may hold the lock beside those who do. */
  admits(key: string, token: string): boolean {
    const lock = this.lock(key);
    if (lock === undefined) return true;
    return capacityIn(token) === lock.capacity && lock.holders.size < lock.capacity;
  }

  admit(key: string, token: string, lease: number): void {
    const lock = this.lock(key) ?? { capacity: this.#toldBy(token), holders: new Map() };
    const expiresAt = this.clock.now() + lease;
    this.#locks.set(key, lock);
    lock.holders.set(token, { token, expiresAt, behind: 0 });
  }

  /** The capacity of those who hold the lock, or wait for it, when the token's own never gets along with it. */
  conflict(key: string, token: string): number | undefined {
    const last = this.queue(key).at(-1);
    const theirs = this.lock(key)?.capacity ?? (last && this.#toldBy(last.token));
    const ours = this.#toldBy(token);
    if (theirs === undefined || ours === undefined || areCompatible(theirs, ours)) return undefined;
    return theirs;
  }

  /** The capacity that a token tells others. */
  #toldBy(token: string): number | undefined {
    return this.foreign.has(bootOf(token)) ? undefined : capacityIn(token);
  }

  /**
   * A holder's lease, which never gets shorter; `false`: it does not hold the lock.
   *
   * @param behind Callers that wait in its own process.
   */
  prolong(key: string, token: string, lease: number, behind?: number): boolean {
    const holder = this.holder(key, token);
    if (holder === undefined) return false;
    holder.expiresAt = Math.max(holder.expiresAt, this.clock.now() + lease);
    holder.behind = behind ?? holder.behind;
    return true;
  }

  /** When the first of the holders goes by itself, in milliseconds. */
  firstEnd(key: string): number {
    const holders = [...(this.lock(key)?.holders.values() ?? [])];
    const first = holders.reduce((end, { expiresAt }) => Math.min(end, expiresAt), Infinity);
    return Math.ceil(first - this.clock.now());
  }

  /** After how many ms a waiter may hope: one of the holders' own kind, for the place of the first. */
  leaseLeft(key: string, token: string): number {
    const lock = this.lock(key);
    if (lock?.capacity === capacityIn(token)) return this.firstEnd(key);
    const now = this.clock.now();
    const holders = [...(lock?.holders.values() ?? [])];
    return holders.reduce((end, { expiresAt }) => Math.max(end, expiresAt), now) - now;
  }

  /** A push arrives later, as over a network, and finds perhaps nobody. */
  tell(token: string, what: 'wanted' | 'recheck' | 'revoked', amount: number): void {
    afterReads(() => this.listeners.get(bootOf(token))?.[what](token, amount));
  }

  /** A lock without holders leaves nothing behind. */
  leave(key: string, token: string): void {
    const lock = this.#locks.get(key);
    lock?.holders.delete(token);
    if (lock?.holders.size === 0) this.#locks.delete(key);
  }

  free(key: string): void {
    this.#locks.delete(key);
  }

  /** Keeps the holder's place from everybody; nothing of it is left afterwards. */
  keepLocked(key: string, token: string, ms: number): void {
    const lock = this.lock(key);
    const nobody = `~${token}`;
    lock?.holders.delete(token);
    lock?.holders.set(nobody, { token: nobody, expiresAt: this.clock.now() + ms, behind: 0 });
    const end = (): void => {
      this.#minHolds.delete(timer);
      this.leave(key, nobody);
    };
    const timer = this.clock.after(ms, end, 'observer');
    this.#minHolds.add(timer);
  }

  queue(key: string): readonly MemoryWaiter[] {
    return this.#queues.get(key) ?? [];
  }

  /** Puts the token where its ticket belongs; refreshes it when it is there already. */
  enqueue(key: string, waiter: Omit<MemoryWaiter, 'aliveUntil' | 'boot'>): MemoryWaiter {
    const queue = this.#queues.get(key) ?? [];
    this.#queues.set(key, queue);
    let place = queue.find(({ token }) => token === waiter.token);
    if (place === undefined) {
      place = { ...waiter, boot: bootOf(waiter.token), aliveUntil: 0 };
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
    return [...this.#locks.keys()].filter((key) => this.lock(key) !== undefined);
  }

  /** Stops every timer. */
  close(): void {
    for (const timer of this.#minHolds) this.clock.cancel(timer);
    this.#minHolds.clear();
  }
}
