import type { Emit, Model } from './explorer.js';
import { ProtocolServer } from './protocol-server.js';
import {
  type BrokenRules,
  FAULTS,
  type FaultBudget,
  type ProtocolSettings,
} from './protocol-settings.js';
import * as $ from './protocol-state.js';

// Outside the sandbox of a test runner a global is reached much faster.
const { max, min } = Math;

/**
 * The lock's protocol with processes that ask, wait, poll, hold, renew, pass on, yield and release over a
 * network that delays, repeats and loses. Times are left out: a deadline may come at any moment, a lease
 * in Redis only after every deadline that was counted from its command's send. A process that is stopped
 * is one that takes no step for a while.
 */
export class ProtocolModel implements Model {
  readonly size: number;
  readonly #at: $.Layout;
  readonly #server: ProtocolServer;
  readonly #broken: BrokenRules;
  readonly #scratch: Uint8Array;
  readonly #ranks = new Uint8Array(64);
  #from!: Uint8Array;
  #emit!: Emit;

  constructor(private readonly settings: ProtocolSettings) {
    this.#broken = settings.broken ?? {};
    this.#at = new $.Layout(settings);
    this.#server = new ProtocolServer(this.#at, this.#broken);
    this.size = this.#at.size;
    this.#scratch = new Uint8Array(this.size);
  }

  initial(): Uint8Array {
    return this.#at.initial();
  }

  successors(state: Uint8Array, emit: Emit): void {
    this.#from = state;
    this.#emit = emit;
    const at = this.#at;
    for (let t = 0; t < at.tokens; t += 1) this.#settleToken(t);
    for (let p = 0; p < at.processes; p += 1) this.#goOn(p);
    for (let t = 0; t < at.tokens; t += 1) this.#endLease(t);
    this.#startAndSweep();
    for (let p = 0; p < at.processes; p += 1) this.#mayDo(p);
    for (let t = 0; t < at.tokens; t += 1) this.#mayRun(t);
    this.#fail();
  }

  isClean(state: Uint8Array): boolean {
    const at = this.#at;
    for (let p = 0; p < at.processes; p += 1) if (state[at.phase(p)]! < $.DONE) return false;
    for (let i = 0; i < at.queue; i += 1) if (state[i] !== 0) return false;
    return state[at.queue] === $.NOBODY;
  }

  describe(state: Uint8Array): string {
    const at = this.#at;
    const phases = ['idle', 'asking', 'queued', 'inside', 'done', 'dead'];
    const name = (t: number): string => `${'ABC'[at.ownerOf(t)]}${(t % this.settings.tokens) + 1}`;
    const tokens = Array.from({ length: at.tokens }, (_, t) => t);
    const holders = tokens.filter((t) => (state[t]! & $.HOLDER) !== 0).map(name);
    const queue = [...state.subarray(at.queue, at.queue + at.tokens)]
      .filter((t) => t !== $.NOBODY)
      .map(name);
    const processes = this.settings.capacities.map((_, p) => {
      const sure = this.#isSure(state, p) ? ' sure' : '';
      return `${'ABC'[p]}${state[at.attempt(p)]! + 1} ${phases[state[at.phase(p)]!]}${sure}`;
    });
    return `${processes.join(', ')} | holder ${holders.join('+') || '-'} queue ${queue.join(',') || '-'}`;
  }

  /** What is on its way and must arrive in the end. */
  #settleToken(t: number): void {
    const at = this.#at;
    const net = this.#from[at.net + t]!;
    if ((net & $.OWED) !== 0)
      this.#step(`release ${t} runs`, (s) => {
        s[at.net + t]! &= ~$.OWED;
        this.#server.release(t);
      });
    if ((net & ~$.OWED) !== 0)
      this.#step(`stray commands of ${t} vanish`, (s) => {
        s[at.net + t]! &= $.OWED;
      });
    if (this.#from[at.grants + t] !== 0)
      this.#step(`grant to ${t} arrives`, (s) => this.#granted(s, t));
  }

  #goOn(p: number): void {
    const at = this.#at;
    const s0 = this.#from;
    const phase = s0[at.phase(p)]!;
    const token = this.#token(s0, p);
    const command = s0[at.command(p)]!;
    if (command === $.REQUEST) this.#step(`command of ${p} runs`, (s) => this.#run(s, p, token));
    else if (command !== $.NO_COMMAND)
      this.#step(`reply to ${p} arrives`, (s) => this.#replied(s, p));
    const renewal = s0[at.renewal(p)]!;
    if (renewal === $.RENEWAL_SENT)
      this.#step(`renewal of ${p} runs`, (s) => {
        s[at.renewal(p)] = this.#server.renew(token).kind === 'held' ? $.RENEWED : $.RENEWAL_LOST;
      });
    if (renewal === $.RENEWED || renewal === $.RENEWAL_LOST)
      this.#step(`renewal reply to ${p} arrives`, (s) => this.#renewed(s, p, renewal));
    if (phase === $.INSIDE) {
      if (this.#isSure(s0, p) || this.#broken.passesWithoutLease === true)
        this.#step(`section of ${p} ends`, (s) => this.#finish(s, p));
      if (!this.#isSure(s0, p)) this.#step(`${p} is told of its loss`, (s) => this.#giveUp(s, p));
    }
    const mayPoll = phase === $.QUEUED && this.#broken.neverPolls !== true;
    const canPoll = mayPoll && command === $.NO_COMMAND;
    if (canPoll && this.#isPollUseful(token)) this.#step(`${p} polls`, (s) => this.#poll(s, p));
  }

  /** What dead and former users of tokens have left ends by itself. */
  #endLease(t: number): void {
    this.#server.state = this.#from;
    if (!this.#server.holds(t) || this.#server.isProtected(t)) return;
    this.#step(`lease of ${t} ends`, () => this.#server.expire(t));
  }

  #startAndSweep(): void {
    const at = this.#at;
    let active = false;
    for (let p = 0; p < at.processes; p += 1) {
      const phase = this.#from[at.phase(p)]!;
      active ||= phase < $.DONE;
      // Processes that are alike begin in order: the other orders are the same but for names.
      const before = p > 0 && this.settings.capacities[p - 1] === this.settings.capacities[p];
      const isFirst =
        this.#from[at.attempt(p)] === 0 &&
        this.#from[at.callers(p)] === (this.settings.callers ?? 1);
      if (phase !== $.IDLE || (before && isFirst && this.#from[at.phase(p - 1)] === $.IDLE))
        continue;
      this.#step(`${p} asks`, (s) => this.#ask(s, p));
    }
    if (!active && this.#from[at.queue] !== $.NOBODY)
      this.#step('the queue expires', (s) => {
        s.fill($.NOBODY, at.queue, at.queue + at.tokens);
        for (let t = 0; t < at.tokens; t += 1) s[t]! &= ~$.ALIVE;
      });
    for (let t = 0; t < at.tokens; t += 1)
      if (!active && (this.#from[t]! & $.ALIVE) !== 0 && this.#from[at.queue] === $.NOBODY)
        this.#step('signs of life expire', (s) => {
          for (let other = 0; other < at.tokens; other += 1) s[other]! &= ~$.ALIVE;
        });
  }

  /** Time passes, and what a process may do at any moment. */
  #mayDo(p: number): void {
    const at = this.#at;
    const s0 = this.#from;
    const bits = s0[at.bits(p)]!;
    const phase = s0[at.phase(p)]!;
    for (const bit of [$.FRESH_A, $.FRESH_G, $.FRESH_R])
      if ((bits & bit) !== 0)
        this.#fault('late', `a deadline of ${p} passes`, (s) => {
          s[at.bits(p)]! &= ~bit;
        });
    const mayPoll = phase === $.QUEUED && this.#broken.neverPolls !== true;
    if (mayPoll && s0[at.command(p)] === $.NO_COMMAND)
      this.#step(`${p} polls`, (s) => this.#poll(s, p));
    if (phase !== $.INSIDE || !this.#isSure(s0, p)) return;
    if (this.settings.renews === true && s0[at.renewal(p)] === $.NOT_RENEWED)
      this.#step(`${p} renews`, (s) => {
        s[at.renewal(p)] = $.RENEWAL_SENT;
        s[at.bits(p)]! |= $.FRESH_R;
      });
    if (s0[at.callers(p)]! < 2) return;
    this.#step(`${p} releases between callers`, (s) => {
      s[at.callers(p)]! -= 1;
      this.#leave(s, p);
      this.#nextAttempt(s, p, false);
    });
    if (s0[at.attempt(p)]! + 1 < this.settings.tokens)
      this.#step(`${p} yields`, (s) => {
        s[at.callers(p)]! -= 1;
        this.#forgetSection(s, p);
        s[at.attempt(p)]! += 1;
        this.#send(s, p);
        s[at.bits(p)]! |= $.YIELDS;
      });
  }

  /** Copies of commands whose answers nobody awaits run late. */
  #mayRun(t: number): void {
    const at = this.#at;
    const net = this.#from[at.net + t]!;
    const run = (bit: number, what: string, act: () => void): void => {
      if ((net & bit) === 0) return;
      this.#step(`stray ${what} of ${t} runs`, (s) => {
        s[at.net + t]! &= ~bit;
        act();
      });
    };
    run($.STRAY_ACQUIRE, 'acquire', () => void this.#server.acquire(t));
    run($.STRAY_POLL, 'poll', () => void this.#server.poll(t));
    run($.STRAY_RENEW, 'renewal', () => void this.#server.renew(t));
    run($.STRAY_RELEASE, 'release', () => this.#server.release(t));
    run($.STRAY_YIELD, 'yield', () => void this.#server.yield(t - 1, t));
  }

  #fail(): void {
    const at = this.#at;
    for (let p = 0; p < at.processes; p += 1) this.#failProcess(p);
    for (let t = 0; t < at.tokens; t += 1) {
      if ((this.#from[at.net + t]! & ($.OWED | $.STRAY_RELEASE)) === $.OWED)
        this.#fault('resent', `release ${t} is sent again`, (s) => {
          s[at.net + t]! |= $.STRAY_RELEASE;
        });
      if (this.#from[at.grants + t] !== 0)
        this.#fault('lost', `grant to ${t} is lost`, (s) => {
          s[at.grants + t] = 0;
        });
      this.#server.state = this.#from;
      if (this.#server.holds(t) && this.#server.isProtected(t))
        this.#fault('clockForward', `Redis' clock steps forward`, (s) => {
          s[at.damaged] = 1;
          this.#server.expire(t);
        });
      if (this.#server.rank(t) >= 0 && (this.#from[t]! & $.ALIVE) !== 0)
        this.#fault('deaf', `${t} gives no sign of life`, (s) => {
          s[t]! &= ~$.ALIVE;
        });
    }
    this.#fault('dataLoss', 'Redis loses its data', (s) => {
      s[at.damaged] = 1;
      this.#server.forgetEverything();
    });
    if (at.keepsReplica)
      this.#fault('failover', 'a replica takes over', (s) => {
        s[at.damaged] = 1;
        this.#server.failOver();
      });
    this.#fault('clockBack', `Redis' clock steps back`, (s) => {
      s[at.steppedBack] = 1;
    });
  }

  #failProcess(p: number): void {
    const at = this.#at;
    const s0 = this.#from;
    const phase = s0[at.phase(p)]!;
    const token = this.#token(s0, p);
    if (phase === $.IDLE || phase >= $.DONE) return;
    const command = s0[at.command(p)]!;
    if (command === $.REQUEST)
      this.#fault('resent', `command of ${p} is sent again`, (s) => this.#stray(s, p, token));
    if (command !== $.NO_COMMAND)
      this.#fault('lost', `command of ${p} fails`, (s) => {
        if (command === $.REQUEST) this.#stray(s, p, token);
        s[at.command(p)] = $.NO_COMMAND;
        if (phase === $.QUEUED) return;
        this.#leave(s, p);
        // Whether the old token still had the lock is not known: it is given back by itself.
        if ((s0[at.bits(p)]! & $.YIELDS) !== 0) s[at.net + token - 1]! |= $.OWED;
        this.#nextAttempt(s, p, false);
      });
    if (s0[at.renewal(p)] === $.RENEWAL_SENT)
      this.#fault('lost', `renewal of ${p} fails`, (s) => {
        s[at.net + token]! |= $.STRAY_RENEW;
        s[at.renewal(p)] = $.RENEWAL_OVER;
      });
    if (phase !== $.INSIDE)
      this.#fault('abort', `${p} gives up`, (s) => {
        if (command === $.REQUEST) this.#stray(s, p, token);
        this.#leave(s, p);
        if ((s0[at.bits(p)]! & $.YIELDS) !== 0) s[at.net + token - 1]! |= $.OWED;
        s[at.phase(p)] = $.DONE;
      });
    this.#fault('crash', `${p} dies`, (s) => {
      if (command === $.REQUEST) this.#stray(s, p, token);
      this.#forgetSection(s, p);
      s[at.phase(p)] = $.DEAD;
      for (let t = p * this.settings.tokens; t < (p + 1) * this.settings.tokens; t += 1) {
        s[at.grants + t] = 0;
        s[at.net + t]! &= ~$.OWED;
      }
    });
  }

  #token(s: Uint8Array, p: number): number {
    return p * this.settings.tokens + s[this.#at.attempt(p)]!;
  }

  #isPollUseful(token: number): boolean {
    const server = this.#server;
    server.state = this.#from;
    if (server.holds(token)) return true;
    const rank = server.rank(token);
    return rank < 0 || server.isFree || (rank === 0 && server.admits(token));
  }

  #ask(s: Uint8Array, p: number): void {
    s[this.#at.phase(p)] = $.ASKING;
    this.#send(s, p);
  }

  #send(s: Uint8Array, p: number): void {
    const at = this.#at;
    s[at.phase(p)] = $.ASKING;
    s[at.command(p)] = $.REQUEST;
    s[at.bits(p)] = $.FRESH_A;
    s[at.renewal(p)] = $.NOT_RENEWED;
  }

  #poll(s: Uint8Array, p: number): void {
    s[this.#at.command(p)] = $.REQUEST;
    s[this.#at.bits(p)]! |= $.FRESH_A;
    s[this.#token(s, p)]! &= ~$.LEASE_A;
  }

  #run(s: Uint8Array, p: number, token: number): void {
    const at = this.#at;
    const isYield = (s[at.bits(p)]! & $.YIELDS) !== 0;
    const answer =
      s[at.phase(p)] === $.QUEUED
        ? this.#server.poll(token)
        : isYield
          ? this.#server.yield(token - 1, token)
          : this.#server.acquire(token);
    s[at.bits(p)]! &= ~$.YIELDS;
    s[at.command(p)] =
      answer.kind === 'held'
        ? $.REPLY_HELD
        : answer.kind === 'gone'
          ? $.REPLY_GONE
          : $.REPLY_QUEUED;
    s[at.replyFence(p)] = answer.fence;
  }

  #replied(s: Uint8Array, p: number): void {
    const at = this.#at;
    const reply = s[at.command(p)]!;
    s[at.command(p)] = $.NO_COMMAND;
    if (reply === $.REPLY_GONE) {
      s[at.bits(p)] = 0;
      this.#nextAttempt(s, p, true);
    } else if (reply === $.REPLY_QUEUED) {
      s[at.phase(p)] = $.QUEUED;
      if ((s[at.bits(p)]! & $.CONFIRMING) !== 0) this.#poll(s, p);
      s[at.bits(p)]! &= ~$.CONFIRMING;
    } else if ((s[at.bits(p)]! & $.FRESH_A) !== 0 || this.#broken.takesLateReplies === true) {
      const old = s[at.oldFence(p)]!;
      const fence =
        this.#broken.matchesGrantsByToken === true && old > 0 ? old : s[at.replyFence(p)]!;
      this.#enter(s, p, fence, $.RELIES_A);
    } else {
      this.#leave(s, p);
      this.#nextAttempt(s, p, false);
    }
  }

  #granted(s: Uint8Array, t: number): void {
    const at = this.#at;
    const p = at.ownerOf(t);
    const fence = s[at.grants + t]!;
    const phase = s[at.phase(p)]!;
    s[at.grants + t] = 0;
    const awaited = (phase === $.ASKING || phase === $.QUEUED) && t === this.#token(s, p);
    if (phase === $.INSIDE && t === this.#token(s, p)) return;
    if (!awaited) {
      if (phase !== $.DEAD) s[at.net + t]! |= $.OWED;
      return;
    }
    if ((s[at.bits(p)]! & $.FRESH_G) !== 0 || this.#broken.startsOnAnyGrant === true) {
      if (s[at.command(p)] === $.REQUEST) this.#stray(s, p, t);
      s[at.command(p)] = $.NO_COMMAND;
      this.#enter(s, p, fence, $.RELIES_G);
      return;
    }
    s[at.oldFence(p)] = fence;
    if (phase === $.QUEUED && s[at.command(p)] === $.NO_COMMAND) this.#poll(s, p);
    else if (phase === $.ASKING) s[at.bits(p)]! |= $.CONFIRMING;
  }

  #renewed(s: Uint8Array, p: number, renewal: number): void {
    const at = this.#at;
    s[at.renewal(p)] = $.RENEWAL_OVER;
    if (renewal === $.RENEWED) s[at.bits(p)]! |= $.RELIES_R;
    else this.#end(s, p);
  }

  #enter(s: Uint8Array, p: number, fence: number, relies: number): void {
    const at = this.#at;
    s[at.phase(p)] = $.INSIDE;
    s[at.renewal(p)] = $.NOT_RENEWED;
    s[at.fence(p)] = fence;
    s[at.bits(p)] = (s[at.bits(p)]! & 7) | relies;
    this.#leaveLine(s, p);
    this.#checkEntry(s, p);
  }

  #checkEntry(s: Uint8Array, p: number): void {
    const at = this.#at;
    const fence = s[at.fence(p)]!;
    if (!this.#isSure(s, p)) this.#server.fault ??= 'I3: a section begins after its deadline';
    const isExclusive = this.settings.capacities[p] === 1;
    if (isExclusive && fence <= s[at.entered]! && s[at.damaged] === 0)
      this.#server.fault ??= 'I5: a section has a smaller number than one before it';
    s[at.entered] = max(s[at.entered]!, fence);
  }

  /** The lock passes to the next caller of the process, or is given back. */
  #finish(s: Uint8Array, p: number): void {
    const at = this.#at;
    s[at.callers(p)]! -= 1;
    if (s[at.callers(p)]! > 0) {
      s[at.fence(p)]! += 1;
      this.#checkEntry(s, p);
    } else {
      this.#leave(s, p);
      s[at.phase(p)] = $.DONE;
    }
  }

  /** Its lease is over: Redis may still have the lock under its token. */
  #giveUp(s: Uint8Array, p: number): void {
    this.#leave(s, p);
    this.#end(s, p);
  }

  #end(s: Uint8Array, p: number): void {
    const at = this.#at;
    this.#forgetSection(s, p);
    s[at.callers(p)]! -= 1;
    if (s[at.callers(p)]! > 0) this.#nextAttempt(s, p, false);
    else s[at.phase(p)] = $.DONE;
  }

  #leave(s: Uint8Array, p: number): void {
    s[this.#at.net + this.#token(s, p)]! |= $.OWED;
    this.#forgetSection(s, p);
  }

  #forgetSection(s: Uint8Array, p: number): void {
    const at = this.#at;
    if (s[at.renewal(p)] === $.RENEWAL_SENT) s[at.net + this.#token(s, p)]! |= $.STRAY_RENEW;
    s[at.renewal(p)] = $.NOT_RENEWED;
    s[at.bits(p)] = 0;
    s[at.command(p)] = $.NO_COMMAND;
    this.#leaveLine(s, p);
  }

  #nextAttempt(s: Uint8Array, p: number, keepsPlace: boolean): void {
    const at = this.#at;
    if (!keepsPlace) this.#leaveLine(s, p);
    if (this.#broken.reusesTokens !== true) {
      if (s[at.attempt(p)]! + 1 >= this.settings.tokens) {
        this.#forgetSection(s, p);
        s[at.phase(p)] = $.DONE;
        return;
      }
      s[at.attempt(p)]! += 1;
    }
    this.#send(s, p);
  }

  #leaveLine(s: Uint8Array, p: number): void {
    const at = this.#at;
    const own = s[at.arrival(p)]!;
    if (own === 0) return;
    s[at.arrival(p)] = 0;
    for (let q = 0; q < at.processes; q += 1) if (s[at.arrival(q)]! > own) s[at.arrival(q)]! -= 1;
  }

  #stray(s: Uint8Array, p: number, token: number): void {
    const at = this.#at;
    const isYield = (s[at.bits(p)]! & $.YIELDS) !== 0;
    const asks = isYield ? $.STRAY_YIELD : $.STRAY_ACQUIRE;
    s[at.net + token]! |= s[at.phase(p)] === $.QUEUED ? $.STRAY_POLL : asks;
  }

  #isSure(s: Uint8Array, p: number): boolean {
    const bits = s[this.#at.bits(p)]!;
    return s[this.#at.phase(p)] === $.INSIDE && ((bits >> 3) & bits & 7) !== 0;
  }

  #fault(kind: keyof FaultBudget, label: string, change: (s: Uint8Array) => void): void {
    const budget = this.#at.budget + FAULTS.indexOf(kind);
    if (this.#from[budget] === 0) return;
    this.#step(label, (s) => {
      s[budget]! -= 1;
      change(s);
    });
  }

  #step(label: string, change: (s: Uint8Array) => void): void {
    const s = this.#scratch;
    s.set(this.#from);
    this.#server.state = s;
    this.#server.fault = undefined;
    change(s);
    this.#check(s);
    this.#simplify(s);
    this.#emit(s, label, this.#server.fault);
  }

  /** What holds in every state. */
  #check(s: Uint8Array): void {
    const at = this.#at;
    const server = this.#server;
    let holders = 0;
    let capacity = Infinity;
    let kinds = 0;
    for (let t = 0; t < at.tokens; t += 1) {
      if ((s[t]! & $.HOLDER) === 0) continue;
      if (server.rank(t) >= 0) server.fault ??= 'I9: a holder waits in the queue';
      if (holders > 0 && at.capacityOf(t) !== capacity) kinds += 1;
      capacity = at.capacityOf(t);
      holders += 1;
    }
    if (holders > capacity || kinds > 0) server.fault ??= 'I1: more holders in Redis than may be';
    if (s[at.damaged] === 1) return;
    let inside = 0;
    let least = Infinity;
    let most = 0;
    for (let p = 0; p < at.processes; p += 1) {
      if (!this.#isSure(s, p)) continue;
      inside += 1;
      least = min(least, this.settings.capacities[p]!);
      most = max(most, this.settings.capacities[p]!);
    }
    if (inside > least || (inside > 1 && least !== most))
      server.fault ??= 'I4: sections overlap before their deadlines';
  }

  /** States that differ in nothing that can matter are one. */
  #simplify(s: Uint8Array): void {
    const at = this.#at;
    for (let p = 0; p < at.processes; p += 1) {
      const token = this.#token(s, p);
      const phase = s[at.phase(p)]!;
      const command = s[at.command(p)]!;
      const renewal = s[at.renewal(p)]!;
      let bits = s[at.bits(p)]!;
      const isInside = phase === $.INSIDE;
      const awaitsHold = command === $.REQUEST || command === $.REPLY_HELD;
      if (!(awaitsHold || (isInside && (bits & $.RELIES_A) !== 0))) bits &= ~$.FRESH_A;
      const grantComes = !isInside && s[at.grants + token] !== 0;
      if (!(grantComes || (isInside && (bits & $.RELIES_G) !== 0))) bits &= ~$.FRESH_G;
      const renews = renewal === $.RENEWAL_SENT || renewal === $.RENEWED;
      if (!(renews || (isInside && (bits & $.RELIES_R) !== 0))) bits &= ~$.FRESH_R;
      s[at.bits(p)] = bits;
      if (command !== $.REPLY_HELD) s[at.replyFence(p)] = 0;
      if (phase !== $.INSIDE) s[at.fence(p)] = 0;
      if (this.#broken.matchesGrantsByToken !== true || phase !== $.QUEUED) s[at.oldFence(p)] = 0;
      if (phase >= $.DONE) {
        s[at.attempt(p)] = 0;
        s[at.callers(p)] = 0;
      }
      for (let t = p * this.settings.tokens; t < (p + 1) * this.settings.tokens; t += 1) {
        const isCurrent = t === token && phase >= $.ASKING && phase <= $.INSIDE;
        const fresh = isCurrent ? (bits & 7) << 1 : 0;
        s[t]! &= $.HOLDER | $.ALIVE | fresh;
      }
    }
    this.#rankFences(s);
  }

  /** Only the order of fencing numbers matters. */
  #rankFences(s: Uint8Array): void {
    const at = this.#at;
    const callers = this.settings.callers ?? 1;
    const rank = this.#ranks.fill(0);
    rank[s[at.entered]!] = 1;
    const mark = (place: number): void => {
      for (let i = 0; s[place]! > 0 && i < callers; i += 1) rank[s[place]! + i] = 1;
    };
    for (let t = 0; t < at.tokens; t += 1) mark(at.grants + t);
    for (let p = 0; p < at.processes; p += 1) {
      mark(at.replyFence(p));
      mark(at.fence(p));
      mark(at.oldFence(p));
    }
    rank[0] = 0;
    for (let value = 1; value < rank.length; value += 1) rank[value]! += rank[value - 1]!;
    const put = (place: number): void => {
      s[place] = rank[s[place]!]!;
    };
    for (let t = 0; t < at.tokens; t += 1) put(at.grants + t);
    for (let p = 0; p < at.processes; p += 1) {
      put(at.replyFence(p));
      put(at.fence(p));
      put(at.oldFence(p));
    }
    put(at.entered);
    const top = rank[rank.length - 1]! + 1;
    s[at.counter] = s[at.counter] === s[at.issued] ? top : rank[s[at.counter]!]!;
    s[at.issued] = top;
  }
}
