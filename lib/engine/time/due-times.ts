import type { Clock, Timer } from './clock.js';

/** Items that are due at one moment. */
export interface DueSlot<T> {
  readonly items: Set<T>;
  readonly timer: Timer;
}

/** Knows when it is due; only its {@link DueTimes} writes that. */
export interface Dated {
  due?: DueSlot<Dated> | undefined;
}

/**
 * Calls `onDue` with all items that are due, one timer for each moment. Moments are rounded down
 * to a grain, so that a hundred thousand leases of one length share a few dozen timers. A timer
 * outlives its items: the next ones will need it, and a lock is held for less time than it takes.
 */
export class DueTimes<T extends Dated> {
  readonly #slots = new Map<number, DueSlot<T>>();
  #size = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onDue: (items: readonly T[]) => void,
  ) {}

  get size(): number {
    return this.#size;
  }

  has(item: T): boolean {
    return item.due !== undefined;
  }

  *items(): Iterable<T> {
    for (const { items } of this.#slots.values()) yield* items;
  }

  /** Sets when `item` is due, instead of before; at most `grain` ms too early. */
  set(item: T, at: number, grain: number): void {
    this.delete(item);
    const moment = Math.floor(at / grain) * grain;
    const slot = this.#slots.get(moment) ?? this.#open(moment);
    slot.items.add(item);
    item.due = slot;
    this.#size += 1;
  }

  delete(item: T): void {
    if (item.due === undefined) return;
    item.due.items.delete(item);
    item.due = undefined;
    this.#size -= 1;
  }

  /** Ends all timers. */
  close(): void {
    for (const { timer } of this.#slots.values()) this.clock.cancel(timer);
    this.#slots.clear();
  }

  #open(moment: number): DueSlot<T> {
    const ms = moment - this.clock.now();
    const timer = this.clock.after(ms, () => this.#fire(moment), 'observer');
    const slot = { items: new Set<T>(), timer };
    this.#slots.set(moment, slot);
    return slot;
  }

  #fire(moment: number): void {
    const items = [...(this.#slots.get(moment)?.items ?? [])];
    this.#slots.delete(moment);
    for (const item of items) this.delete(item);
    if (items.length > 0) this.onDue(items);
  }
}
