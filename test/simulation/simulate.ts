import { isLockError } from '../../lib/engine/api/errors.js';
import type { Lock } from '../../lib/engine/api/lock.js';
import type { LockOptions } from '../../lib/engine/api/lock-options.js';
import { majorityOf } from '../../lib/redis/quorum/arithmetic.js';
import { endAsyncContexts } from './async-contexts.js';
import { Oracle, type Section } from './oracle.js';
import { type Fault, RESTARTS_APART_MS, type Schedule } from './schedule.js';
import { SimNode } from './sim-node.js';
import { SimProcess } from './sim-process.js';
import { World } from './world.js';

export interface Outcome {
  readonly violations: readonly string[];
  readonly sections: number;
  readonly log: readonly string[];
}

const KEYS = ['hot', 'warm'];
/** What is left afterwards is gone by itself after so long. */
const AFTERMATH_MS = 70_000;
/** How often a section is looked at. */
const LOOK_MS = 60;
/** Later calls of each other process that may go first: local bounds of two turns. */
const OVERTAKEN = 10;

/** Runs a schedule. */
export async function simulate(schedule: Schedule, logs = false): Promise<Outcome> {
  return new Simulation(schedule, logs).run();
}

interface Waiting {
  readonly key: string;
  readonly since: number;
  readonly process: SimProcess;
  overtaken: number;
}

class Simulation {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #nodes: SimNode[];
  readonly #processes: SimProcess[] = [];
  readonly #random: () => number;
  #started = 0;
  #restartedAt = -Infinity;
  #running = 0;
  /** Calls that wait: since when, and how many later ones were served before. */
  readonly #waiting = new Set<Waiting>();

  constructor(
    private readonly schedule: Schedule,
    logs: boolean,
  ) {
    const { seed, nodes, ttl } = schedule;
    this.#world = new World(seed, logs);
    this.#oracle = new Oracle(this.#world, ttl * schedule.longest);
    this.#random = this.#world.random('simulation');
    // Numbers of a quorum go by its fastest clock: when all counters are lost while that node is away, they
    // are behind by what the clocks differ.
    const even = nodes > 1 && schedule.faults.some(({ kind }) => kind === 'FLUSHALL') ? 0 : 1;
    this.#nodes = Array.from({ length: nodes }, (_, i) => {
      const drift = ((this.#random() - 0.5) / 200) * even;
      return new SimNode(this.#world, `node${i}`, drift, this.#random() * 400 * even);
    });
  }

  async run(): Promise<Outcome> {
    const { schedule } = this;
    for (let i = 0; i < schedule.processes; i += 1) this.#processes.push(this.#start(i));
    for (const fault of schedule.faults) this.#world.at(fault.at, () => this.#arm(fault));
    const { violations } = this.#oracle;
    const isBroken = (): boolean => violations.length > 0;
    await this.#toTheEnd(isBroken).catch((error: Error) => this.#oracle.broken(error.message));
    for (const { machine } of this.#processes) machine.isDead = true;
    endAsyncContexts();
    return { violations, sections: this.#oracle.sections, log: this.#world.log };
  }

  async #toTheEnd(isBroken: () => boolean): Promise<void> {
    const { schedule } = this;
    await this.#world.run(schedule.endsAt, isBroken);
    await this.#world.run(schedule.endsAt + 30_000, () => isBroken() || this.#running === 0);
    if (!isBroken() && this.#running > 0) this.#oracle.broken(`${this.#running} callers are stuck`);
    await this.#world.run(this.#world.now + AFTERMATH_MS, isBroken);
    if (!isBroken()) this.#checkKeys();
  }

  #start(i: number): SimProcess {
    this.#started += 1;
    const { ttl, callers } = this.schedule;
    const options = { commandTimeout: 400, ttl, localHandoffs: 4 };
    const process = new SimProcess(
      this.#world,
      `${'ABCD'[i]}${this.#started}`,
      this.#nodes,
      options,
    );
    for (let c = 0; c < callers; c += 1) void this.#call(process, c);
    return process;
  }

  /** A caller of a process, until the end. */
  async #call(process: SimProcess, caller: number): Promise<void> {
    const { machine } = process;
    const random = this.#world.random(`caller ${caller} of ${process.name}`);
    this.#running += 1;
    const pause = (ms: number): Promise<void> =>
      new Promise((resolve) => void machine.after(ms, resolve));
    machine.after(0, () => undefined);
    while (this.#world.now < this.schedule.endsAt && !machine.isDead) {
      await pause(random() ** 3 * this.schedule.pause);
      await this.#lockOnce(process, random, pause);
    }
    if (!machine.isDead) this.#running -= 1;
  }

  async #lockOnce(
    process: SimProcess,
    random: () => number,
    pause: (ms: number) => Promise<void>,
  ): Promise<void> {
    const { machine } = process;
    const { ttl: usual, nodes, longest } = this.schedule;
    // A key of its own is where a lock is held for long and nobody waits for it.
    const isOwn = nodes > 1 && random() < 0.2 && !this.schedule.oneKey;
    const isHot = random() < 0.7 || this.schedule.oneKey;
    const key = isOwn ? `own of ${process.name}` : isHot ? KEYS[0]! : KEYS[1]!;
    // One key is used exclusively and shared on one server.
    const isShared = nodes === 1 && key === KEYS[1] && random() < 0.6;
    const isLong = random() < this.schedule.long;
    const terms = isLong || isOwn ? [1, longest, longest] : [1, 1, 0.4, longest];
    const ttl = usual * terms[Math.floor(random() * terms.length)]!;
    const wait = random() < this.schedule.tries ? 0 : 300 + random() * 4000;
    const renew = isOwn || random() < 0.7;
    const long = isOwn ? random() * 16_000 : isLong ? usual * longest * random() : 0;
    const options: LockOptions = { ttl, wait, renew, ...(isShared ? { mode: 'shared' } : {}) };
    const waiting = { key, since: this.#world.now, process, overtaken: 0 };
    const calledAt = machine.now();
    process.begin(key);
    this.#waiting.add(waiting);
    let lock: Lock | undefined;
    const entered = (): void => {
      this.#waiting.delete(waiting);
      this.#oracle.settled(process, key, wait === 0 ? 400 : wait, machine.now() - calledAt);
    };
    try {
      await process.manager.withLock(
        key,
        async (held) => {
          lock = held;
          entered();
          if (!isShared) this.#overtake(waiting.since, key, process);
          const section: Section = {
            ...{ key, process, lock: held, renew, ttl, calledAt: waiting.since },
            ...{ capacity: isShared ? Infinity : 1, enteredAt: this.#world.now },
          };
          await this.#stay(section, random() ** 3 * 120 + long, pause);
        },
        { ...options, onLost: 'report' },
      );
    } catch (error) {
      if (lock === undefined) entered();
      const expected = ['LOCK_TIMEOUT', 'LOCK_UNAVAILABLE', 'LOCK_LOST'];
      if (!expected.some((code) => isLockError(error, code as 'LOCK_TIMEOUT')))
        this.#oracle.broken(`${process.name}: ${(error as Error).stack ?? String(error)}`);
    } finally {
      process.end(key);
    }
  }

  async #stay(section: Section, ms: number, pause: (ms: number) => Promise<void>): Promise<void> {
    const { lock, process } = section;
    const endsAt = process.machine.now() + ms;
    lock.signal.addEventListener('abort', () => {
      // Whoever asks for a lock of a quorum may keep a node's vote from its holder, for a moment: then it takes all others.
      const isWanted = this.schedule.nodes > 1 && !section.key.startsWith('own');
      this.#oracle.lost(section, isWanted ? this.#nodes.length : majorityOf(this.#nodes.length));
    });
    this.#oracle.enter(section);
    while (process.machine.now() < endsAt && !lock.signal.aborted) {
      await pause(Math.max(0.01, Math.min(LOOK_MS, endsAt - process.machine.now())));
      this.#oracle.look(section);
    }
    this.#oracle.leave(section);
  }

  /** Somebody was served: those that have waited for longer were overtaken. */
  #overtake(since: number, key: string, process: SimProcess): void {
    for (const waiting of this.#waiting) {
      if (waiting.key !== key || waiting.since >= since || waiting.process === process) continue;
      if (waiting.process.machine.isDead || waiting.process.isDisturbed(5000)) continue;
      // Behind a holder that has not heard of its loss.
      if (waiting.process.isTainted(key) || !this.#isFirst(waiting)) continue;
      waiting.overtaken += 1;
      if (waiting.overtaken === 1 + OVERTAKEN * (this.schedule.processes - 1))
        this.#oracle.overtaken(waiting.process, key, waiting.overtaken);
    }
  }

  /** Whether no call of its own process stands before it. */
  #isFirst({ key, since, process }: Waiting): boolean {
    for (const other of this.#waiting)
      if (other.key === key && other.process === process && other.since < since) return false;
    return true;
  }

  #arm(fault: Fault): void {
    const { upon } = fault;
    if (upon === undefined) return this.#fail(fault);
    this.#processes[fault.process]!.links[fault.node]!.onSent = (name) => {
      if (name !== upon) return false;
      this.#world.in(0, () => this.#fail(fault));
      return true;
    };
  }

  #fail({ kind, process: p, node: n, ms }: Fault): void {
    const process = this.#processes[p]!;
    const node = this.#nodes[n]!;
    const { ttl } = this.schedule;
    this.#world.say(() => `FAULT: ${kind} (${process.name}, ${node.name})`);
    switch (kind) {
      case 'cut connections':
        return process.links[n]!.cut();
      case 'cut pushes':
        return process.links[n]!.cutPushes();
      case 'silent network':
        return process.links[n]!.silence(100 + ms * 2000);
      case 'slow network':
        return process.links[n]!.slow(50 + ms * 900, 300 + ms * 2000);
      case 'short stop':
        return process.stop(ttl * 0.3 * ms, false);
      case 'long stop':
        return process.stop(ttl * (1 + ms * 2), false);
      case 'suspended machine':
        process.stop(ttl * (0.5 + ms * 4), true);
        // What was answered before comes, and then nothing for a while.
        if ((ms * 10) % 1 < 0.5)
          this.#world.in(ttl * (0.5 + ms * 4), () => process.links[n]!.silence(3000));
        return undefined;
      case 'clock step of a process':
        return process.stepClock((ms - 0.3) * 5000);
      case 'killed process':
        return this.#replace(p);
      case 'frozen server':
        return node.freeze(ms * 800);
      case 'node out of reach':
        return node.hide(200 + ms * 3000);
      case 'restart without data':
        return this.#restart(node);
      case 'FLUSHALL':
        for (const one of this.#nodes) one.flush();
        return this.#oracle.damaged(this.#processes, false);
      case 'stale failover':
        node.lag();
        return this.#world.in(ms * 60, () => {
          node.failOver();
          this.#oracle.damaged(this.#processes, true);
        });
      case 'server clock forward':
        node.stepClock(ms * 6000);
        return this.#oracle.damaged(this.#processes, false);
      case 'server clock back':
        return node.stepClock(-ms * 6000);
      default:
        throw new Error(`No such fault: ${String(kind)}`);
    }
  }

  #restart(node: SimNode): void {
    const { now } = this.#world;
    const apart = this.schedule.longest * this.schedule.ttl + RESTARTS_APART_MS;
    if (this.#nodes.length > 1 && now - this.#restartedAt < apart) return;
    this.#restartedAt = now;
    node.restart(false);
    // A quorum bears it.
    if (this.#nodes.length === 1) this.#oracle.damaged(this.#processes, true);
  }

  #replace(p: number): void {
    const process = this.#processes[p]!;
    this.#running -= this.schedule.callers;
    for (const waiting of this.#waiting)
      if (waiting.process === process) this.#waiting.delete(waiting);
    process.kill();
    this.#processes[p] = this.#start(p);
  }

  #checkKeys(): void {
    for (const { db, name } of this.#nodes) {
      const left = db.keys().filter((key) => key !== '!fence');
      if (left.length > 0) this.#oracle.broken(`${name} keeps ${left.join(', ')}`);
    }
  }
}
