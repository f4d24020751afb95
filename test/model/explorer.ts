// Outside the sandbox of a test runner a global is reached much faster.
const { imul } = Math;

/** What can happen in a model, state by state. A state is `size` bytes. */
export interface Model {
  readonly size: number;
  initial(): Uint8Array;
  /**
   * Emits every state that can follow. The first that is emitted must be the best that a healthy system
   * would do next: following these alone has to lead to a clean end.
   */
  successors(state: Uint8Array, emit: Emit): void;
  /** Nothing is left to do, and nothing is left behind. */
  isClean(state: Uint8Array): boolean;
  /** In words, for a trace. */
  describe(state: Uint8Array): string;
}

/** @param fault What must never happen, when it has. */
export type Emit = (next: Uint8Array, label: string, fault: string | undefined) => void;

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Whether every state was looked at; `false`: there are more than the bound. */
  readonly complete: boolean;
  /** What was violated, and the shortest way there. */
  readonly violation: { readonly what: string; readonly trace: readonly string[] } | undefined;
}

/** Looks at every state that a model can reach, breadth first: the first fault that is found has the shortest trace. */
export function explore(model: Model, maxStates: number): Exploration {
  const states = new StateStore(model.size);
  const follow: number[] = [];
  let transitions = 0;
  let complete = true;
  states.add(model.initial(), -1);
  for (let at = 0; at < states.count; at += 1) {
    let found: { readonly what: string; readonly step: string } | undefined;
    let next = -1;
    model.successors(states.get(at), (state, label, fault) => {
      if (found !== undefined) return;
      transitions += 1;
      if (fault !== undefined) {
        found = { what: fault, step: shown(model, label, state) };
      } else if (states.count < maxStates || states.has(state)) {
        const index = states.add(state, at);
        if (next < 0) next = index;
      } else complete = false;
    });
    if (found !== undefined) {
      const violation = { what: found.what, trace: [...wayTo(model, states, at), found.step] };
      return { states: states.count, transitions, complete: false, violation };
    }
    follow.push(model.isClean(states.get(at)) ? -1 : next < 0 ? -2 : next);
  }
  const stuck = complete ? firstStuck(follow) : -1;
  const violation =
    stuck < 0
      ? undefined
      : { what: 'no clean end is reached from here', trace: wayTo(model, states, stuck) };
  return { states: states.count, transitions, complete, violation };
}

/** A state from which the best next steps lead to no clean end: into a circle, or to where nothing can be done. */
function firstStuck(follow: readonly number[]): number {
  const known = new Uint8Array(follow.length);
  for (let begin = 0; begin < follow.length; begin += 1) {
    const path: number[] = [];
    let at = begin;
    while (at >= 0 && known[at] === 0) {
      known[at] = 1;
      path.push(at);
      at = follow[at] as number;
    }
    if (at === -2 || (at >= 0 && known[at] === 1)) return path.at(-1) ?? begin;
    for (const one of path) known[one] = 2;
  }
  return -1;
}

function wayTo(model: Model, states: StateStore, last: number): string[] {
  const trace: string[] = [];
  for (let at = last; at >= 0; at = states.parent(at)) {
    const state = states.get(at);
    const parent = states.parent(at);
    let step = 'start';
    if (parent >= 0)
      model.successors(states.get(parent), (next, label) => {
        if (step === 'start' && next.every((byte, i) => byte === state[i])) step = label;
      });
    trace.unshift(shown(model, step, state));
  }
  return trace;
}

function shown(model: Model, label: string, state: Uint8Array): string {
  return `${label.padEnd(28)} ${model.describe(state)}`;
}

const CHUNK = 1 << 16;

/** States by number, each once; exact, not only by their hash. */
class StateStore {
  count = 0;
  readonly #chunks: Uint8Array[] = [];
  #table = new Int32Array(1 << 18).fill(-1);
  readonly #parents: Int32Array[] = [];

  constructor(private readonly size: number) {}

  get(index: number): Uint8Array {
    const at = (index & (CHUNK - 1)) * this.size;
    return this.#chunks[index >>> 16]!.subarray(at, at + this.size);
  }

  parent(index: number): number {
    return this.#parents[index >>> 16]![index & (CHUNK - 1)]!;
  }

  has(state: Uint8Array): boolean {
    return this.#table[this.#find(state)]! >= 0;
  }

  /** Returns the state's number. */
  add(state: Uint8Array, parent: number): number {
    const slot = this.#find(state);
    const known = this.#table[slot]!;
    if (known >= 0) return known;
    const index = this.count;
    const inChunk = index & (CHUNK - 1);
    if (inChunk === 0) {
      this.#chunks.push(new Uint8Array(CHUNK * this.size));
      this.#parents.push(new Int32Array(CHUNK));
    }
    this.#chunks[index >>> 16]!.set(state, inChunk * this.size);
    this.#parents[index >>> 16]![inChunk] = parent;
    this.#table[slot] = index;
    this.count += 1;
    if (this.count * 2 > this.#table.length) this.#grow();
    return index;
  }

  #find(state: Uint8Array): number {
    const mask = this.#table.length - 1;
    for (let slot = hash(state) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#table[slot]!;
      if (index < 0 || this.#equals(index, state)) return slot;
    }
  }

  #equals(index: number, state: Uint8Array): boolean {
    const chunk = this.#chunks[index >>> 16]!;
    const at = (index & (CHUNK - 1)) * this.size;
    for (let i = 0; i < this.size; i += 1) if (chunk[at + i] !== state[i]) return false;
    return true;
  }

  #grow(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(-1);
    const mask = this.#table.length - 1;
    for (let index = 0; index < this.count; index += 1) {
      let slot = hash(this.get(index)) & mask;
      while (this.#table[slot]! >= 0) slot = (slot + 1) & mask;
      this.#table[slot] = index;
    }
  }
}

function hash(state: Uint8Array): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < state.length; i += 1) value = imul(value ^ state[i]!, 0x01000193);
  value ^= value >>> 15;
  value = imul(value, 0x2c1b3ce3);
  return (value ^ (value >>> 13)) >>> 0;
}
