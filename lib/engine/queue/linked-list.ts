/** A place in a {@link LinkedList}; only the list writes its fields. */
export interface Linked<T> {
  before?: T | undefined;
  after?: T | undefined;
  listed?: boolean;
}

/**
 * Callers in the order in which they came. Linked through themselves: lists are made for every lock
 * that is taken, mostly for a single caller, and a `Set` would cost more than the rest.
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

  add(item: T): void {
    item.listed = true;
    item.before = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.after = item;
    this.#last = item;
    this.#size += 1;
  }

  /** Takes the item out; `false`: it was not in. */
  delete(item: T): boolean {
    if (item.listed !== true) return false;
    const { before, after } = item;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    item.before = item.after = undefined;
    item.listed = false;
    this.#size -= 1;
    return true;
  }

  /** Who is in now; the list may change meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    const all: T[] = [];
    for (let one = this.#first; one !== undefined; one = one.after) all.push(one);
    yield* all;
  }
}
