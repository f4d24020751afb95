import type { BrokenRules } from './protocol-settings.js';
import {
  ALIVE,
  ASKING,
  DEAD,
  FRESH_A,
  FRESH_G,
  FRESH_R,
  HOLDER,
  INSIDE,
  type Layout,
  LEASE_A,
  LEASE_G,
  LEASE_R,
  NOBODY,
  QUEUED,
} from './protocol-state.js';

// Outside the sandbox of a test runner a global is reached much faster.
const { max } = Math;

export interface Answer {
  readonly kind: 'held' | 'queued' | 'gone' | 'lost' | 'done';
  readonly fence: number;
}

const LEASES = LEASE_A | LEASE_G | LEASE_R;

/** What the scripts do in Redis, each in one step, without times: a lease ends when nobody can rely on it. */
export class ProtocolServer {
  state!: Uint8Array;
  /** What must never happen, when it has. */
  fault: string | undefined;

  constructor(
    private readonly at: Layout,
    private readonly broken: BrokenRules,
  ) {}

  /** Whether any token holds the lock. */
  get isFree(): boolean {
    return this.#holders() === 0;
  }

  holds(token: number): boolean {
    return (this.state[token]! & HOLDER) !== 0;
  }

  rank(token: number): number {
    const { queue, tokens } = this.at;
    for (let i = 0; i < tokens; i += 1) {
      const other = this.state[queue + i]!;
      if (other === token) return i;
      if (other === NOBODY) return -1;
    }
    return -1;
  }

  get head(): number {
    return this.state[this.at.queue]!;
  }

  admits(token: number): boolean {
    if (this.broken.ignoresCapacity === true) return this.#holders() < 2;
    const capacity = this.at.capacityOf(token);
    let count = 0;
    for (let other = 0; other < this.at.tokens; other += 1) {
      if (!this.holds(other)) continue;
      if (this.at.capacityOf(other) !== capacity) return false;
      count += 1;
    }
    return count < capacity;
  }

  acquire(token: number): Answer {
    this.#remember();
    return this.#acquire(token);
  }

  poll(token: number): Answer {
    this.#remember();
    if (this.holds(token)) {
      this.#lease(token, LEASE_A);
      return { kind: 'held', fence: this.#mint(token) };
    }
    if (this.rank(token) < 0) return { kind: 'gone', fence: 0 };
    this.state[token]! |= ALIVE;
    const mine = this.#promote(token);
    return mine === 0 ? { kind: 'queued', fence: 0 } : { kind: 'held', fence: mine };
  }

  renew(token: number): Answer {
    this.#remember();
    if (!this.holds(token)) return { kind: 'lost', fence: 0 };
    this.#lease(token, LEASE_R);
    return { kind: 'held', fence: 0 };
  }

  release(token: number): void {
    this.#remember();
    if (this.holds(token) || (this.broken.releasesWithoutCompare === true && !this.isFree)) {
      for (let other = 0; other < this.at.tokens; other += 1)
        if (other === token || this.broken.releasesWithoutCompare === true) this.#free(other);
      this.#promote(NOBODY);
      return;
    }
    const wasFirst = this.head === token;
    this.#dequeue(token);
    if (wasFirst) this.#promote(NOBODY);
  }

  /** Gives up `old` and queues `token` behind the others, in one step. */
  yield(old: number, token: number): Answer {
    this.#remember();
    if (!this.holds(old)) return this.#acquire(token);
    this.#free(old);
    this.#enqueue(token);
    const mine = this.#promote(token);
    return mine === 0 ? { kind: 'queued', fence: 0 } : { kind: 'held', fence: mine };
  }

  /** Whether a process may still rely on the token's lease: Redis keeps it longer. */
  isProtected(token: number): boolean {
    const p = this.at.ownerOf(token);
    if (!this.#isCurrent(token)) return false;
    const leases = this.state[token]!;
    const fresh = this.state[this.at.bits(p)]!;
    return (
      ((leases & LEASE_A) !== 0 && (fresh & FRESH_A) !== 0) ||
      ((leases & LEASE_G) !== 0 && (fresh & FRESH_G) !== 0) ||
      ((leases & LEASE_R) !== 0 && (fresh & FRESH_R) !== 0)
    );
  }

  expire(token: number): void {
    this.#free(token);
  }

  forgetEverything(): void {
    const { queue, tokens } = this.at;
    this.state.fill(0, 0, tokens);
    this.state.fill(NOBODY, queue, queue + tokens);
    if (this.broken.countsFencesBare === true) this.state[this.at.counter] = 0;
  }

  failOver(): void {
    const { queue, tokens, replica } = this.at;
    this.state.copyWithin(0, replica, replica + tokens);
    this.state.copyWithin(queue, replica + tokens, replica + 2 * tokens);
  }

  #acquire(token: number): Answer {
    if (this.holds(token) && this.broken.acquireIsNotIdempotent !== true) {
      this.#lease(token, LEASE_A);
      return { kind: 'held', fence: this.#mint(token) };
    }
    if (this.admits(token)) {
      const mine = this.#promote(token);
      if (mine !== 0) return { kind: 'held', fence: mine };
      if (this.head === NOBODY && this.admits(token)) {
        this.state[token]! |= HOLDER;
        this.#lease(token, LEASE_A);
        return { kind: 'held', fence: this.#mint(token) };
      }
    }
    this.#enqueue(token);
    return { kind: 'queued', fence: 0 };
  }

  #enqueue(token: number): void {
    const { state, at } = this;
    state[token]! |= ALIVE;
    if (this.rank(token) >= 0) return;
    const p = at.ownerOf(token);
    const hadPlace = this.#isCurrent(token) && state[at.arrival(p)]! > 0;
    const isEarly = state[at.steppedBack] === 1 && this.broken.placesBeforeTheLast === true;
    let place = 0;
    for (; place < at.tokens; place += 1) {
      const other = state[at.queue + place]!;
      if (other === NOBODY || (isEarly && !hadPlace)) break;
      if (hadPlace && this.#arrivalOf(other) > state[at.arrival(p)]!) break;
    }
    state.copyWithin(at.queue + place + 1, at.queue + place, at.queue + at.tokens - 1);
    state[at.queue + place] = token;
    if (hadPlace || !this.#isCurrent(token)) return;
    let others = 0;
    for (let other = 0; other < at.processes; other += 1)
      if (state[at.arrival(other)]! > 0) others += 1;
    state[at.arrival(p)] = others + 1;
  }

  /** Hands over to those in front as long as they get along with the holders; returns the number of `own`. */
  #promote(own: number): number {
    const { state, at } = this;
    let mine = 0;
    while (this.head !== NOBODY) {
      const head = this.head;
      const lives = (state[head]! & ALIVE) !== 0;
      if (lives && !this.admits(head)) break;
      this.#dequeue(head);
      if (!lives || state[at.phase(at.ownerOf(head))] === DEAD) continue;
      this.#checkOrder(head);
      state[head]! |= HOLDER;
      const fence = this.#mint(head);
      if (head === own) {
        this.#lease(head, LEASE_A);
        mine = fence;
        continue;
      }
      state[at.grants + head] = fence;
      // Whoever has it already does not look at a grant.
      if (!this.#isCurrent(head) || state[at.phase(at.ownerOf(head))]! > QUEUED) continue;
      state[at.bits(at.ownerOf(head))]! |= FRESH_G;
      this.#lease(head, LEASE_G);
    }
    return mine;
  }

  /** Nobody who lives and came before still waits. */
  #checkOrder(token: number): void {
    const { state, at } = this;
    const own = this.#arrivalOf(token);
    for (let i = 0; i < at.tokens; i += 1) {
      const other = state[at.queue + i]!;
      if (other === NOBODY || own === 0) return;
      const before = this.#arrivalOf(other);
      const lives = (state[other]! & ALIVE) !== 0 && state[at.phase(at.ownerOf(other))]! !== DEAD;
      if (lives && before > 0 && before < own) this.fault = 'I7: a waiter is overtaken';
    }
  }

  #arrivalOf(token: number): number {
    return this.#isCurrent(token) ? this.state[this.at.arrival(this.at.ownerOf(token))]! : 0;
  }

  #isCurrent(token: number): boolean {
    const p = this.at.ownerOf(token);
    const phase = this.state[this.at.phase(p)]!;
    return (
      phase >= ASKING &&
      phase <= INSIDE &&
      token === p * this.at.settings.tokens + this.state[this.at.attempt(p)]!
    );
  }

  #lease(token: number, source: number): void {
    this.state[token]! |= source;
  }

  #free(token: number): void {
    this.state[token]! &= ~(HOLDER | LEASES);
  }

  #dequeue(token: number): void {
    const { state, at } = this;
    const rank = this.rank(token);
    state[token]! &= ~ALIVE;
    if (rank < 0) return;
    state.copyWithin(at.queue + rank, at.queue + rank + 1, at.queue + at.tokens);
    state[at.queue + at.tokens - 1] = NOBODY;
  }

  #holders(): number {
    let count = 0;
    for (let token = 0; token < this.at.tokens; token += 1) if (this.holds(token)) count += 1;
    return count;
  }

  /** Reserves a number for each caller that the process may have; returns the first. */
  #mint(token: number): number {
    const { state, at } = this;
    const count = state[at.callers(at.ownerOf(token))]! || 1;
    const first = state[at.counter]! + 1;
    if (first <= state[at.issued]!) this.fault = 'I2: a fencing number is issued twice';
    state[at.counter] = first + count - 1;
    state[at.issued] = max(state[at.issued]!, first + count - 1);
    return first;
  }

  /** A replica has all but the last command. */
  #remember(): void {
    if (!this.at.keepsReplica) return;
    const { queue, tokens, replica } = this.at;
    this.state.copyWithin(replica, 0, tokens);
    this.state.copyWithin(replica + tokens, queue, queue + tokens);
  }
}
