import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from '@jest/globals';

import type { RedisLockConnection } from '../../../lib/redis/connection/connection.js';
import { closing } from '../after-test.js';
import type { ChildMessage } from '../child.js';
import { eventually } from '../eventually.js';
import { openManager } from '../managers.js';
import { chooseSeed, seededRandom } from '../random.js';
import { RedisServer } from '../redis-server.js';
import { ChaosReport } from './chaos-report.js';
import { Contender, type Link } from './contender.js';
import type { Faults } from './faults.js';
import {
  judge,
  type LockedSection,
  longestPause,
  longestWait,
  type Loss,
  mostOvertaken,
} from './section-judge.js';

/** What callers do; each key is of one kind. */
export interface Work {
  readonly keys: readonly string[];
  readonly options?: { readonly mode?: 'shared'; readonly permits?: number };
}

export interface ChaosPlan {
  readonly name: string;
  readonly works: readonly Work[];
  /** Leases that callers ask for; milliseconds. */
  readonly ttls: readonly number[];
  readonly processes: number;
  readonly callers: number;
  /** At least for so long, in milliseconds, and until every fault of the servers was made once. */
  readonly runMs: number;
  /** How the i-th process reaches the servers. */
  link(i: number): Promise<Link>;
  /** Faults of processes and their networks, several each second. */
  faults(run: ChaosRun): Faults;
  /** Faults of the servers, one after the other, beside those. */
  serverFaults(run: ChaosRun): Faults;
  /** The pause after each of them; milliseconds. */
  readonly serverPauseMs: number;
  /** Where the last one locks everything, when all others have ended. */
  readonly connection: RedisLockConnection;
  /** The servers that take writes, as others see them. */
  primaries?(): Promise<readonly string[]>;
  /** The keys that are left on the servers, without fence counters. */
  keysLeft(): Promise<readonly string[]>;
}

/** Nothing fails for as long at first: first come, first served is looked at then. */
const CALM_MS = 1500;
/**
 * Later calls of each other process that may go first while nothing fails: two local turns, and what a
 * process misses that the machine does not run.
 */
const OVERTAKEN = 12;
const SECTIONS = 50;

/** Whether `npm run chaos` runs it. */
export function isLong(): boolean {
  return process.env['CHAOS_MS'] !== undefined;
}

/** For how long a chaos test runs, in milliseconds: `short`, or what `npm run chaos` says. */
export function chaosMs(short: number): number {
  return Number(process.env['CHAOS_MS'] ?? short);
}

/** Processes that contend for locks while everything fails, and what is known of them in the end. */
export class ChaosRun {
  readonly random: () => number;
  readonly seed = chooseSeed();
  readonly contenders: Contender[] = [];
  readonly #losses: Loss[] = [];
  readonly #report: ChaosReport;
  #calmUntil = 0;
  #planned = 0;
  #primaries: readonly string[] = [];

  constructor(private readonly plan: ChaosPlan) {
    this.random = seededRandom(this.seed);
    this.#report = new ChaosReport(plan.name, plan.runMs, () => this.#told('section').length);
    process.stdout.write(`\n${plan.name}: SEED=${this.seed}\n`);
  }

  /** Runs all of it; rejects with what was broken. */
  async finish(): Promise<void> {
    await this.#start();
    let isOver = false;
    const beside = [this.#strike(() => isOver), this.#watch(() => isOver)];
    try {
      await this.#strikeServers();
    } finally {
      isOver = true;
      await Promise.all(beside);
    }
    await this.#stop();
    await this.#lockAll();
    await this.#conclude();
  }

  /** Makes a fault in which locks may be lost; `leads` ends when no server says otherwise any more. */
  async losing<T>(leads: () => Promise<T>): Promise<T> {
    const from = microseconds();
    try {
      return await leads();
    } finally {
      this.lostSince(from);
    }
  }

  /** Makes a fault by which one other server becomes a primary; more than one are a failover that nobody planned. */
  async failingOver<T>(leads: () => Promise<T>): Promise<T> {
    const from = microseconds();
    this.#planned += 1;
    try {
      return await leads();
    } finally {
      await this.#look(from, 1);
      this.#planned -= 1;
    }
  }

  /** Locks may have been lost since `from` (microseconds), until all leases of this moment are over. */
  lostSince(from: number): void {
    const until = microseconds() + Math.max(...this.plan.ttls) * 1000;
    this.#losses.push({ from, until });
  }

  async #start(): Promise<void> {
    const table = closing(await RedisServer.start());
    const { works, ttls, callers, processes } = this.plan;
    const settings = { works, ttls, callers, tableUrl: table.url };
    for (let i = 0; i < processes; i += 1) {
      const link = await this.plan.link(i);
      this.contenders.push(closing(new Contender(link, settings, this.random)));
    }
    await Promise.all(this.contenders.map((contender) => contender.ready()));
    await sleep(CALM_MS);
    this.#calmUntil = microseconds();
  }

  async #strike(isOver: () => boolean): Promise<void> {
    const faults = this.plan.faults(this);
    const kinds = Object.keys(faults);
    while (!isOver() && kinds.length > 0) {
      const kind = kinds[Math.floor(this.random() * kinds.length)]!;
      const at = Math.floor(this.random() * this.contenders.length);
      this.#report.add(kind);
      await faults[kind]?.(this.contenders[at]!);
      await sleep(this.random() * 300);
    }
  }

  /** Each kind once, in an order by chance, again and again. */
  async #strikeServers(): Promise<void> {
    const faults = this.plan.serverFaults(this);
    const endsAt = performance.now() + this.plan.runMs;
    do {
      for (const kind of shuffled(Object.keys(faults), this.random)) {
        this.#report.add(kind);
        await faults[kind]?.(this.contenders[0]!);
        await sleep(this.plan.serverPauseMs * (0.5 + this.random()));
      }
    } while (performance.now() < endsAt);
  }

  /** On a machine that stands still servers count as dead that are not: that is a failover as well. */
  async #watch(isOver: () => boolean): Promise<void> {
    let lookedAt = microseconds();
    await this.#look(lookedAt, Infinity);
    while (!isOver()) {
      await sleep(200);
      if (this.#planned > 0) continue;
      const from = lookedAt;
      lookedAt = microseconds();
      await this.#look(from, 0);
    }
  }

  /** Whether other servers have become primaries since `from` than so many that were to. */
  async #look(from: number, planned: number): Promise<void> {
    const isPlanned = this.#planned > 0;
    const primaries = await this.plan.primaries?.().catch(() => undefined);
    if (primaries === undefined || isPlanned !== this.#planned > 0) return;
    const others = primaries.filter((one) => !this.#primaries.includes(one));
    this.#primaries = primaries;
    if (others.length <= planned) return;
    this.#report.add('failover that nobody planned');
    this.lostSince(from);
  }

  async #stop(): Promise<void> {
    for (const { child, proxies } of this.contenders) {
      for (const proxy of proxies) await proxy.pass();
      child.send({ type: 'stop' });
    }
    for (const { child } of this.contenders) {
      await child.next('done', { within: 200_000 });
      const exit = await child.exited;
      expect({ exit, stderr: child.stderr }).toEqual({
        exit: { code: 0, signal: null },
        stderr: '',
      });
    }
  }

  /** Everything is free for whoever comes next, at the latest when the leases of the dead are over. */
  async #lockAll(): Promise<void> {
    const last = openManager(this.plan.connection);
    for (const { keys, options } of this.plan.works)
      await last.withLock(keys, () => {}, { wait: '30s', ...options });
    await last.close();
  }

  async #conclude(): Promise<void> {
    const { seed, plan } = this;
    const { made } = this.#report;
    const sections = this.#told('section') as unknown as LockedSection[];
    const verdict = judge(sections, this.#losses);
    const breaches = [...this.#told('breach').map(({ what }) => what), ...verdict.breaches];
    const refused = this.#told('refused write') as unknown as { what: string; at: number }[];
    for (const { what, at } of refused) if (!this.#isExcused(at)) breaches.push(what);
    const overtaken = mostOvertaken(sections.filter(({ from }) => from < this.#calmUntil));
    if (overtaken > OVERTAKEN) breaches.push(`${overtaken} later calls went first`);
    const left = await this.#keysLeft();
    this.#report.end({
      sections: sections.length,
      'locks lost, and told': this.#sum('lost'),
      'calls that gave up at their wait': this.#sum('refused'),
      'late writes that the table refused': this.#sum('fenced'),
      'seconds in which a lock may be lost': seconds(this.#losses),
      'sections that nothing excuses': sections.filter(({ from }) => !this.#isExcused(from)).length,
      'overlaps in that time': verdict.excused,
      'the longest of them, ms': Math.round(verdict.longestExcusedMs),
      'longest time a lock was not entered, ms': Math.round(longestPause(sections)),
      'longest wait, ms': Math.round(longestWait(sections)),
      'most overtaken while nothing fails': overtaken,
      'overlaps, inversions, stuck callers': breaches.length,
      'keys left': left.length,
    });
    const found = breaches.slice(0, 10);
    expect({ seed, made, breaches: found, left }).toEqual({ seed, made, breaches: [], left: [] });
    expect({ name: plan.name, isEnough: sections.length > SECTIONS }).toEqual({
      name: plan.name,
      isEnough: true,
    });
  }

  #isExcused(at: number): boolean {
    return this.#losses.some(({ from, until }) => at >= from && at <= until);
  }

  /** What dead processes have left ends with their leases, and places in queues a minute later. */
  async #keysLeft(): Promise<readonly string[]> {
    let left: readonly string[] = [];
    const isEmpty = async (): Promise<void> => {
      left = await this.plan.keysLeft();
      if (left.length > 0) throw new Error('Keys are left.');
    };
    await eventually(isEmpty, { within: 75_000, every: 200 }).catch(() => {});
    return left;
  }

  #told(type: string): ChildMessage[] {
    return this.contenders.flatMap(({ messages }) => messages.filter((one) => one.type === type));
  }

  /** Over processes that came to their end: what a killed one has counted nobody knows. */
  #sum(what: string): number {
    return this.#told('done').reduce((sum, counts) => sum + Number(counts[what]), 0);
  }
}

/** The time of the machine: one monotonic clock for all its processes. */
export function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function seconds(losses: readonly Loss[]): number {
  let [sum, end] = [0, 0];
  for (const { from, until } of [...losses].sort((one, other) => one.from - other.from)) {
    sum += Math.max(0, until - Math.max(from, end));
    end = Math.max(end, until);
  }
  return Math.round(sum / 1e6);
}

function shuffled(kinds: readonly string[], random: () => number): string[] {
  return kinds
    .map((kind) => ({ kind, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ kind }) => kind);
}
