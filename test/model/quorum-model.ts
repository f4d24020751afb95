import type { Emit, Model } from './explorer.js';

// Outside the sandbox of a test runner a global is reached much faster.
const { floor, max } = Math;

/** Rules that are left out on purpose: each must be caught. */
export interface BrokenQuorumRules {
  /** A restarted node votes once it is older than the lease of the one that asks. */
  readonly waitsForTheAskersLease?: boolean;
  /** A restarted node votes at once. */
  readonly votesAfterRestart?: boolean;
  /** One node's vote is enough. */
  readonly majorityOfOne?: boolean;
  /** The highest number is used before a majority knows it. */
  readonly keepsFencesToItself?: boolean;
  /** Votes count though their lease is over. */
  readonly takesLateVotes?: boolean;
}

export interface QuorumSettings {
  /** Attempts of each process. */
  readonly attempts: number;
  readonly renews?: boolean;
  readonly restarts?: number;
  /** Nodes that go away for good. */
  readonly losses?: number;
  /** Commands whose answer never comes. */
  readonly silences?: number;
  /** Deadlines that pass while their process still asks or works. */
  readonly late?: number;
  readonly broken?: BrokenQuorumRules;
}

const NODES = 3;
const PROCESSES = 2;
/** Whose lease is the longer one. */
const LONG = 0;

// Of a node.
const HOLDER = 0;
const LEASES = 1;
const COUNTER = 2;
const FLAGS = 3;
/** Whose deadlines, as they were when the node restarted, may still be ahead. */
const FORGOTTEN = 4;
const OWED = 5;
const PER_NODE = 6;
const IS_AWAY = 1;
const IS_YOUNG = 2;

// Of a process; then for each node: vote, number, renewal, write-back.
const PHASE = 0;
const ATTEMPT = 1;
const BITS = 2;
const FENCE = 3;
const VOTES = 4;
const PER_VOTE = 4;
const PER_PROCESS = VOTES + NODES * PER_VOTE;

const IDLE = 0;
const ASKING = 1;
const INSIDE = 2;
const DONE = 3;

const FRESH_A = 1;
const FRESH_R = 2;
const RELIES_A = 4;
const RELIES_R = 8;

const SENT = 1;
const SAYS_YES = 2;
const SAYS_NO = 3;
const YES = 4;
const NO = 5;

const NODE_AT = 0;
const PROCESS_AT = NODES * PER_NODE;
const BUDGET_AT = PROCESS_AT + PROCESSES * PER_PROCESS;
const RESTARTS = 0;
const LOSSES = 1;
const SILENCES = 2;
const LATE = 3;
const ENTERED = BUDGET_AT + 4;
const SIZE = ENTERED + 1;

/**
 * A lock that a majority of three nodes holds, sought by two processes of which the first has the longer
 * lease. The queue is left out: it is order, and exclusion does not rest on it. The clocks of nodes differ
 * by less than a lease: a node that has lost its counter issues no number below its own earlier ones.
 */
export class QuorumModel implements Model {
  readonly size = SIZE;
  readonly #scratch = new Uint8Array(SIZE);
  readonly #majority: number;
  #from!: Uint8Array;
  #emit!: Emit;
  #fault: string | undefined;

  constructor(private readonly settings: QuorumSettings) {
    this.#majority = settings.broken?.majorityOfOne === true ? 1 : 2;
  }

  initial(): Uint8Array {
    const state = new Uint8Array(SIZE);
    const { restarts = 0, losses = 0, silences = 0, late = 0 } = this.settings;
    state.set([restarts, losses, silences, late], BUDGET_AT);
    // The clock of one node is ahead.
    state[nodeAt(2) + COUNTER] = 8;
    return state;
  }

  successors(state: Uint8Array, emit: Emit): void {
    this.#from = state;
    this.#emit = emit;
    for (let n = 0; n < NODES; n += 1) this.#settleNode(n);
    for (let p = 0; p < PROCESSES; p += 1) this.#goOn(p);
    for (let n = 0; n < NODES; n += 1) this.#endLease(n);
    for (let p = 0; p < PROCESSES; p += 1) if (state[processAt(p)] === IDLE) this.#start(p);
    for (let p = 0; p < PROCESSES; p += 1) this.#mayDo(p);
    for (let n = 0; n < NODES; n += 1) this.#failNode(n);
  }

  isClean(state: Uint8Array): boolean {
    for (let p = 0; p < PROCESSES; p += 1) if (state[processAt(p)] !== DONE) return false;
    for (let n = 0; n < NODES; n += 1)
      if (state[nodeAt(n) + HOLDER] !== 0 || state[nodeAt(n) + OWED] !== 0) return false;
    return true;
  }

  describe(state: Uint8Array): string {
    const nodes = Array.from({ length: NODES }, (_, n) => {
      const at = nodeAt(n);
      const holder = state[at + HOLDER]!;
      const flags = state[at + FLAGS]!;
      const away = (flags & IS_AWAY) !== 0 ? ' away' : '';
      const young = (flags & IS_YOUNG) !== 0 ? ' young' : '';
      const name = holder === 0 ? '-' : 'AB'[this.#ownerOf(holder - 1)];
      return `node ${n}: ${name} ${state[at + COUNTER]}${away}${young}`;
    });
    const processes = Array.from({ length: PROCESSES }, (_, p) => {
      const phase = ['idle', 'asking', 'inside', 'done'][state[processAt(p)]!];
      const votes = Array.from({ length: NODES }, (_vote, n) => '-?yn+x'[state[voteAt(p, n)]!]);
      const sure = isSure(state, p) ? ` sure, ${state[processAt(p) + FENCE]}` : '';
      return `${'AB'[p]} ${phase} ${votes.join('')}${sure}`;
    });
    return `${processes.join(', ')} | ${nodes.join(', ')}`;
  }

  #settleNode(n: number): void {
    const at = nodeAt(n);
    const owed = this.#from[at + OWED]!;
    for (let token = 0; owed >> token !== 0; token += 1) {
      if (((owed >> token) & 1) === 0) continue;
      this.#step(`release at ${n} ${this.#isAway(n) ? 'is given up' : 'runs'}`, (s) => {
        s[at + OWED]! &= ~(1 << token);
        if (this.#isAway(n) || s[at + HOLDER] !== token + 1) return;
        s[at + HOLDER] = 0;
        s[at + LEASES] = 0;
      });
    }
    if ((this.#from[at + FLAGS]! & IS_YOUNG) !== 0 && this.#isOldEnough(n, LONG))
      this.#step(`node ${n} is old enough`, (s) => {
        s[at + FLAGS]! &= ~IS_YOUNG;
      });
  }

  #goOn(p: number): void {
    const s0 = this.#from;
    for (let n = 0; n < NODES; n += 1) {
      const at = voteAt(p, n);
      this.#vote(p, n, at);
      this.#renewVote(p, n, at + 2);
      if (s0[at + 3] === SENT && !this.#isAway(n))
        this.#step(`node ${n} takes ${p}'s number`, (s) => this.#raise(s, p, n));
    }
    const phase = s0[processAt(p)]!;
    if (phase === ASKING) this.#decide(p);
    if (phase === INSIDE) this.#step(`section of ${p} ends`, (s) => this.#leave(s, p, true));
  }

  #vote(p: number, n: number, at: number): void {
    const s0 = this.#from;
    if (s0[at] === SENT && !this.#isAway(n))
      this.#step(`node ${n} hears ${p}`, (s) => {
        const node = nodeAt(n);
        const token = this.#token(s, p) + 1;
        const isFree = s[node + HOLDER] === 0 || s[node + HOLDER] === token;
        s[at] = isFree ? SAYS_YES : NO;
        if (!isFree) return;
        s[node + HOLDER] = token;
        s[node + LEASES]! |= FRESH_A;
        s[node + COUNTER]! += 1;
        s[at + 1] = s[node + COUNTER]!;
      });
    if (s0[at] === SENT && this.#isAway(n))
      this.#step(`node ${n} does not answer ${p}`, (s) => {
        s[at] = NO;
      });
    if (s0[at] === SAYS_YES)
      this.#step(`${p} hears node ${n}`, (s) => {
        s[at] = YES;
      });
  }

  #renewVote(p: number, n: number, at: number): void {
    const s0 = this.#from;
    if (s0[at] === SENT && !this.#isAway(n))
      this.#step(`node ${n} renews for ${p}`, (s) => {
        const node = nodeAt(n);
        const isHeld = s[node + HOLDER] === this.#token(s, p) + 1;
        s[at] = isHeld ? SAYS_YES : SAYS_NO;
        if (isHeld) s[node + LEASES]! |= FRESH_R;
      });
    if (s0[at] !== SAYS_YES && s0[at] !== SAYS_NO) return;
    this.#step(`${p} hears its renewal from ${n}`, (s) => {
      s[at] = s0[at] === SAYS_YES ? YES : NO;
      if (this.#countOf(s, p, 2, YES) >= this.#majority) s[processAt(p) + BITS]! |= RELIES_R;
      if (this.#countOf(s, p, 2, NO) > NODES - this.#majority) this.#leave(s, p, true);
    });
  }

  #decide(p: number): void {
    const s0 = this.#from;
    const isLate = (s0[processAt(p) + BITS]! & FRESH_A) === 0;
    const votes: number[] = [];
    let open = 0;
    for (let n = 0; n < NODES; n += 1) {
      const vote = s0[voteAt(p, n)]!;
      if (vote === YES && this.#mayVote(n, p)) votes.push(n);
      if (vote !== YES && vote !== NO) open += 1;
    }
    const counts = !isLate || this.settings.broken?.takesLateVotes === true;
    if (votes.length >= this.#majority && counts) this.#win(p, votes);
    const isHopeless = votes.length + open < this.#majority || isLate || open === 0;
    if (isHopeless) this.#step(`${p} has no majority`, (s) => this.#leave(s, p, false));
  }

  /** The highest number counts, once a majority knows it. */
  #win(p: number, votes: readonly number[]): void {
    const s0 = this.#from;
    const highest = max(...votes.map((n) => s0[voteAt(p, n) + 1]!));
    const knows = votes.filter((n) => {
      const at = voteAt(p, n);
      return s0[at + 1] === highest || s0[at + 3] === YES;
    });
    if (knows.length >= this.#majority || this.settings.broken?.keepsFencesToItself === true) {
      this.#step(`${p} enters`, (s) => this.#enter(s, p, highest));
      return;
    }
    for (const n of votes) {
      const at = voteAt(p, n);
      if (knows.includes(n) || s0[at + 3] !== 0) continue;
      this.#step(`${p} tells node ${n} its number`, (s) => {
        s[at + 3] = SENT;
      });
    }
    const isAsked = votes.every((n) => knows.includes(n) || s0[voteAt(p, n) + 3]! > SENT);
    if (isAsked) this.#step(`${p} could not tell its number`, (s) => this.#leave(s, p, false));
  }

  #raise(s: Uint8Array, p: number, n: number): void {
    const node = nodeAt(n);
    const highest = max(...[0, 1, 2].map((other) => s[voteAt(p, other) + 1]!));
    const isHeld = s[node + HOLDER] === this.#token(s, p) + 1;
    s[voteAt(p, n) + 3] = isHeld ? YES : NO;
    if (isHeld) s[node + COUNTER] = max(s[node + COUNTER]!, highest);
  }

  #enter(s: Uint8Array, p: number, fence: number): void {
    const at = processAt(p);
    s[at + PHASE] = INSIDE;
    s[at + BITS]! |= RELIES_A;
    s[at + FENCE] = fence;
    if (!isSure(s, p)) this.#fault ??= 'I3: a section begins after its deadline';
    if (fence <= s[ENTERED]!)
      this.#fault ??= 'I2: a section has a smaller number than one before it';
    s[ENTERED] = max(fence, s[ENTERED]!);
  }

  #endLease(n: number): void {
    const at = nodeAt(n);
    const holder = this.#from[at + HOLDER]!;
    if (holder === 0) return;
    const p = this.#ownerOf(holder - 1);
    const isCurrent = this.#token(this.#from, p) === holder - 1 && this.#from[processAt(p)]! < DONE;
    const fresh = this.#from[processAt(p) + BITS]! & this.#from[at + LEASES]!;
    if (isCurrent && (fresh & (FRESH_A | FRESH_R)) !== 0) return;
    this.#step(`lease at ${n} ends`, (s) => {
      s[at + HOLDER] = 0;
      s[at + LEASES] = 0;
    });
  }

  #start(p: number): void {
    this.#step(`${p} asks`, (s) => {
      const at = processAt(p);
      s[at + PHASE] = ASKING;
      s[at + BITS] = FRESH_A;
      for (let n = 0; n < NODES; n += 1) s[voteAt(p, n)] = SENT;
    });
  }

  #mayDo(p: number): void {
    const s0 = this.#from;
    const at = processAt(p);
    const bits = s0[at + BITS]!;
    for (const bit of [FRESH_A, FRESH_R])
      if ((bits & bit) !== 0)
        this.#spend(LATE, `a deadline of ${p} passes`, (s) => {
          s[at + BITS]! &= ~bit;
        });
    const isRenewed = this.#countOf(s0, p, 2, 0) < NODES;
    if (this.settings.renews === true && isSure(s0, p) && !isRenewed)
      this.#step(`${p} renews`, (s) => {
        s[at + BITS]! |= FRESH_R;
        for (let n = 0; n < NODES; n += 1) s[voteAt(p, n) + 2] = SENT;
      });
    for (let n = 0; n < NODES; n += 1) {
      const vote = s0[voteAt(p, n)]!;
      if (vote === SENT || vote === SAYS_YES)
        this.#spend(SILENCES, `${p} does not hear node ${n}`, (s) => {
          s[voteAt(p, n)] = NO;
        });
    }
  }

  #failNode(n: number): void {
    const at = nodeAt(n);
    if (this.#isAway(n)) return;
    this.#spend(LOSSES, `node ${n} goes away`, (s) => {
      s[at + FLAGS]! |= IS_AWAY;
    });
    this.#spend(RESTARTS, `node ${n} restarts empty`, (s) => {
      const holder = s[at + HOLDER]!;
      s[at + FLAGS]! |= IS_YOUNG;
      if (holder > 0) {
        const p = this.#ownerOf(holder - 1);
        const fresh = s[processAt(p) + BITS]! & s[at + LEASES]! & (FRESH_A | FRESH_R);
        s[at + FORGOTTEN]! |= fresh << (2 * p);
      }
      s[at + HOLDER] = 0;
      s[at + LEASES] = 0;
    });
  }

  /** Releases all nodes; then asks anew, if it may. */
  #leave(s: Uint8Array, p: number, isOver: boolean): void {
    const at = processAt(p);
    const token = this.#token(s, p);
    for (let n = 0; n < NODES; n += 1) s[nodeAt(n) + OWED]! |= 1 << token;
    s.fill(0, at + BITS, at + PER_PROCESS);
    for (let n = 0; n < NODES; n += 1) s[nodeAt(n) + FORGOTTEN]! &= ~(3 << (2 * p));
    const again = !isOver && s[at + ATTEMPT]! + 1 < this.settings.attempts;
    s[at + PHASE] = again ? IDLE : DONE;
    if (again) s[at + ATTEMPT]! += 1;
  }

  /** Whether what the node has forgotten can't run any more, by the lease that is waited for. */
  #isOldEnough(n: number, askers: number): boolean {
    const forgotten = this.#from[nodeAt(n) + FORGOTTEN]!;
    for (let p = 0; p < PROCESSES; p += 1) {
      // A shorter lease than that of the one that asks is over by then, a longer one is not.
      if (askers !== LONG && p === LONG) continue;
      if (((forgotten >> (2 * p)) & this.#from[processAt(p) + BITS]!) !== 0) return false;
    }
    return true;
  }

  #mayVote(n: number, p: number): boolean {
    const { broken } = this.settings;
    if ((this.#from[nodeAt(n) + FLAGS]! & IS_YOUNG) === 0) return true;
    if (broken?.votesAfterRestart === true) return true;
    return this.#isOldEnough(n, broken?.waitsForTheAskersLease === true ? p : LONG);
  }

  #isAway(n: number): boolean {
    return (this.#from[nodeAt(n) + FLAGS]! & IS_AWAY) !== 0;
  }

  #countOf(s: Uint8Array, p: number, offset: number, value: number): number {
    let count = 0;
    for (let n = 0; n < NODES; n += 1) if (s[voteAt(p, n) + offset] === value) count += 1;
    return count;
  }

  #token(s: Uint8Array, p: number): number {
    return p * this.settings.attempts + s[processAt(p) + ATTEMPT]!;
  }

  #ownerOf(token: number): number {
    return floor(token / this.settings.attempts);
  }

  #spend(kind: number, label: string, change: (s: Uint8Array) => void): void {
    if (this.#from[BUDGET_AT + kind] === 0) return;
    this.#step(label, (s) => {
      s[BUDGET_AT + kind]! -= 1;
      change(s);
    });
  }

  #step(label: string, change: (s: Uint8Array) => void): void {
    const s = this.#scratch;
    s.set(this.#from);
    this.#fault = undefined;
    change(s);
    let sure = 0;
    for (let p = 0; p < PROCESSES; p += 1) if (isSure(s, p)) sure += 1;
    if (sure > 1) this.#fault ??= 'I4: sections overlap before their deadlines';
    this.#order(s);
    this.#emit(s, label, this.#fault);
  }
  /** Two of the nodes are alike: states that differ in which of them is which are one. */
  #order(s: Uint8Array): void {
    const pairs: [number, number, number][] = [[nodeAt(0), nodeAt(1), PER_NODE]];
    for (let p = 0; p < PROCESSES; p += 1) pairs.push([voteAt(p, 0), voteAt(p, 1), PER_VOTE]);
    for (const [a, b, length] of pairs)
      for (let i = 0; i < length; i += 1) {
        if (s[a + i] === s[b + i]) continue;
        if (s[a + i]! > s[b + i]!) swap(s, pairs);
        return;
      }
  }
}

function swap(s: Uint8Array, pairs: readonly [number, number, number][]): void {
  for (const [a, b, length] of pairs)
    for (let i = 0; i < length; i += 1) [s[a + i], s[b + i]] = [s[b + i]!, s[a + i]!];
}

function nodeAt(n: number): number {
  return NODE_AT + n * PER_NODE;
}

function processAt(p: number): number {
  return PROCESS_AT + p * PER_PROCESS;
}

function voteAt(p: number, n: number): number {
  return processAt(p) + VOTES + n * PER_VOTE;
}

function isSure(s: Uint8Array, p: number): boolean {
  const bits = s[processAt(p) + BITS]!;
  return s[processAt(p)] === INSIDE && ((bits >> 2) & bits & 3) !== 0;
}
