import type { Clock, Timer } from './clock.js';

interface Slot<T> {
  readonly items: Set<T>;
  readonly timer: Timer;
}

/**
 * Calls `onDue` with all items that are due, one timer for each moment. Moments are rounded down
 * to a grain, so that a hundred thousand leases of one length share a few dozen timers.
 */
export class DueTimes<T extends object> {
  readonly #slots = new Map<number, Slot<T>>();
  readonly #at = new Map<T, number>();

  constructor(
    private readonly clock: Clock,
    private readonly onDue: (items: readonly T[]) => void,
  ) {}

  get size(): number {
    return this.#at.size;
  }

  has(item: T): boolean {
    return this.#at.has(item);
  }

  items(): Iterable<T> {
    return this.#at.keys();
  }

  /** Sets when `item` is due, instead of before; at most `grain` ms too early. */
  set(item: T, at: number, grain: number): void {
    this.delete(item);
    const moment = Math.floor(at / grain) * grain;
    let slot = this.#slots.get(moment);
    if (slot === undefined) {
      const timer = this.clock.after(
        moment - this.clock.now(),
        () => this.#fire(moment),
        'observer',
      );
      slot = { items: new Set(), timer };
      this.#slots.set(moment, slot);
    }
    slot.items.add(item);
    this.#at.set(item, moment);
  }

  delete(item: T): void {
    const moment = this.#at.get(item);
    if (moment === undefined) return;
    this.#at.delete(item);
    const slot = this.#slots.get(moment);
    if (slot === undefined) return;
    slot.items.delete(item);
    if (slot.items.size > 0) return;
    this.clock.cancel(slot.timer);
    this.#slots.delete(moment);
  }

  #fire(moment: number): void {
    const slot = this.#slots.get(moment);
    if (slot === undefined) return;
    this.#slots.delete(moment);
    for (const item of slot.items) this.#at.delete(item);
    this.onDue([...slot.items]);
  }
}
