import { FAULTS, type ProtocolSettings } from './protocol-settings.js';

// Outside the sandbox of a test runner a global is reached much faster.
const { floor } = Math;

/** What the server keeps of a token. */
export const HOLDER = 1;
export const LEASE_A = 2;
export const LEASE_G = 4;
export const LEASE_R = 8;
export const ALIVE = 16;

/** What may still run for a token though nobody waits for its answer; `OWED`: a release that is repeated until it ran. */
export const STRAY_ACQUIRE = 1;
export const STRAY_POLL = 2;
export const STRAY_RENEW = 4;
export const OWED = 8;
export const STRAY_RELEASE = 16;
export const STRAY_YIELD = 32;

/** Moments that a process counts from a send (or a mapped push) and that have not come: of its acquire or poll, a grant, a renewal. */
export const FRESH_A = 1;
export const FRESH_G = 2;
export const FRESH_R = 4;
/** On which of them its section relies. */
export const RELIES_A = 8;
export const RELIES_G = 16;
export const RELIES_R = 32;
/** A grant came that can't be started on. */
export const CONFIRMING = 64;
/** Its acquire gives up the token before, in the same step. */
export const YIELDS = 128;

export const IDLE = 0;
export const ASKING = 1;
export const QUEUED = 2;
export const INSIDE = 3;
export const DONE = 4;
export const DEAD = 5;

/** Of an acquire (while asking) or a poll (while queued). */
export const NO_COMMAND = 0;
export const REQUEST = 1;
export const REPLY_HELD = 2;
export const REPLY_QUEUED = 3;
export const REPLY_GONE = 4;

/** Of the one renewal of a section. */
export const NOT_RENEWED = 0;
export const RENEWAL_SENT = 1;
export const RENEWED = 2;
export const RENEWAL_LOST = 3;
export const RENEWAL_OVER = 4;

export const NOBODY = 255;

const PER_PROCESS = 10;

/** Where everything is in the bytes of a state, and what stays the same in all of them. */
export class Layout {
  readonly processes: number;
  readonly tokens: number;
  readonly size: number;
  readonly keepsReplica: boolean;
  readonly net: number;
  readonly grants: number;
  readonly queue: number;
  readonly replica: number;
  readonly process: number;
  readonly budget: number;
  /** The largest fencing number that has entered. */
  readonly entered: number;
  /** The server's counter. */
  readonly counter: number;
  /** The largest number that was ever issued. */
  readonly issued: number;
  /** Something has happened after which no lock in Redis excludes. */
  readonly damaged: number;
  readonly steppedBack: number;

  constructor(readonly settings: ProtocolSettings) {
    this.processes = settings.capacities.length;
    this.tokens = this.processes * settings.tokens;
    this.keepsReplica = (settings.faults?.failover ?? 0) > 0;
    this.net = this.tokens;
    this.grants = 2 * this.tokens;
    this.queue = 3 * this.tokens;
    this.replica = 4 * this.tokens;
    this.process = this.replica + (this.keepsReplica ? 2 * this.tokens : 0);
    this.budget = this.process + this.processes * PER_PROCESS;
    this.entered = this.budget + FAULTS.length;
    this.counter = this.entered + 1;
    this.issued = this.entered + 2;
    this.damaged = this.entered + 3;
    this.steppedBack = this.entered + 4;
    this.size = this.entered + 5;
  }

  initial(): Uint8Array {
    const state = new Uint8Array(this.size);
    state.fill(NOBODY, this.queue, this.queue + this.tokens);
    if (this.keepsReplica) state.fill(NOBODY, this.replica + this.tokens, this.process);
    FAULTS.forEach((fault, i) => (state[this.budget + i] = this.settings.faults?.[fault] ?? 0));
    for (let p = 0; p < this.processes; p += 1) state[this.callers(p)] = this.settings.callers ?? 1;
    return state;
  }

  phase(p: number): number {
    return this.process + p * PER_PROCESS;
  }

  /** Which of its tokens the process uses at present. */
  attempt(p: number): number {
    return this.phase(p) + 1;
  }

  command(p: number): number {
    return this.phase(p) + 2;
  }

  replyFence(p: number): number {
    return this.phase(p) + 3;
  }

  renewal(p: number): number {
    return this.phase(p) + 4;
  }

  bits(p: number): number {
    return this.phase(p) + 5;
  }

  /** As the how-manyth of those that wait it got its place; 0: it has none. */
  arrival(p: number): number {
    return this.phase(p) + 6;
  }

  /** Callers that have not had the lock yet. */
  callers(p: number): number {
    return this.phase(p) + 7;
  }

  fence(p: number): number {
    return this.phase(p) + 8;
  }

  /** The number of a grant that could not be started on. */
  oldFence(p: number): number {
    return this.phase(p) + 9;
  }

  ownerOf(token: number): number {
    return floor(token / this.settings.tokens);
  }

  capacityOf(token: number): number {
    return this.settings.capacities[this.ownerOf(token)]!;
  }
}
