/** A place in a {@link LinkedList}; only the list writes its fields. */
export interface Linked<T> {
  before?: T | undefined;
  after?: T | undefined;
  listed?: boolean;
}

/**
 * Waiters in the order in which they came. Linked through the waiters themselves: a list is made
 * for every lock that is taken, mostly for a single caller, and a `Set` would cost more than the rest.
 */
export class LinkedList<T extends Linked<T>> implements Iterable<T> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get first(): T | undefined {
    return this.#first;
  }

  get last(): T | undefined {
    return this.#last;
  }

  get size(): number {
    return this.#size;
  }

  add(waiter: T): void {
    waiter.listed = true;
    waiter.before = this.#last;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.after = waiter;
    this.#last = waiter;
    this.#size += 1;
  }

  /** Takes the waiter out; `false`: it was not in. */
  delete(waiter: T): boolean {
    if (waiter.listed !== true) return false;
    const { before, after } = waiter;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    waiter.before = waiter.after = undefined;
    waiter.listed = false;
    this.#size -= 1;
    return true;
  }

  /** Who is in now; the list may change meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    const all: T[] = [];
    for (let one = this.#first; one !== undefined; one = one.after) all.push(one);
    return all.values();
  }
}
