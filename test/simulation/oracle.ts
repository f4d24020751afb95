import { areCompatible } from '../../lib/engine/api/capacity.js';
import type { Lock } from '../../lib/engine/api/lock.js';
import type { SimProcess } from './sim-process.js';
import type { World } from './world.js';

/** A call's section, from when it entered. */
export interface Section {
  readonly key: string;
  readonly capacity: number;
  readonly process: SimProcess;
  readonly lock: Lock;
  readonly renew: boolean;
  readonly ttl: number;
  /** When the call was made. */
  readonly calledAt: number;
  readonly enteredAt: number;
}

/** After a suspended machine wakes it takes so long until it looks at its clocks. */
const WAKING_MS = 1100;
/** A process that is connected again has asked about its holds after so long. */
const TOLD_MS = 700;

/** Sees all sections of a world, and says what must not be. */
export class Oracle {
  readonly violations: string[] = [];
  sections = 0;
  readonly #inside = new Set<Section>();
  /** For each key, the sections that have ended, with the largest number up to then. */
  readonly #ended = new Map<string, { readonly at: number; readonly fence: number }[]>();
  readonly #entered = new Map<string, number>();
  #wholeFrom = -Infinity;

  constructor(
    private readonly world: World,
    private readonly longestTtl: number,
  ) {}

  /**
   * Redis has lost what it knew of locks: holders of these processes may not have heard of it yet. A lease that
   * was given before can't be renewed, so that nobody relies on one when the longest is over.
   */
  damaged(processes: readonly SimProcess[], untilTold: boolean): void {
    this.#wholeFrom = this.world.now + this.longestTtl;
    for (const process of processes) process.taint(untilTold, this.#wholeFrom);
  }

  enter(section: Section): void {
    this.sections += 1;
    const { key, lock, process, capacity, calledAt } = section;
    const fence = lock.fencingToken;
    this.world.say(
      () =>
        `${process.name}: enters ${key}, number ${fence}, ${lock.remainingMs.toFixed(0)} ms left`,
    );
    this.#inside.add(section);
    this.look(section);
    if (lock.remainingMs <= 0) return;
    if (!process.isTainted(key)) {
      // Readers hold the lock beside each other, and have their numbers from blocks of their processes.
      const before = this.#endedBefore(key, capacity, calledAt);
      if (before !== undefined && fence <= before.fence)
        this.#violated(
          `I2: ${process.name} got ${fence} for ${key}, after ${before.fence} was given back`,
        );
    }
    const highest = this.#entered.get(key) ?? 0;
    const isWhole = this.world.now > this.#wholeFrom;
    if (capacity === 1 && isWhole && fence <= highest)
      this.#violated(`I5: ${process.name} enters ${key} with ${fence} after ${highest}`);
    this.#entered.set(key, Math.max(highest, fence));
  }

  leave(section: Section): void {
    if (!this.#inside.delete(section)) return;
    this.world.say(
      () => `${section.process.name}: leaves ${section.key}, number ${section.lock.fencingToken}`,
    );
    const { key, capacity, lock } = section;
    for (const name of capacity === 1 ? [key, `${key}, by one`] : [key]) {
      const all = this.#ended.get(name) ?? [];
      const fence = Math.max(all.at(-1)?.fence ?? 0, lock.fencingToken);
      all.push({ at: this.world.now, fence });
      this.#ended.set(name, all);
    }
  }

  #endedBefore(
    key: string,
    capacity: number,
    moment: number,
  ): { readonly fence: number } | undefined {
    const all = this.#ended.get(capacity === 1 ? key : `${key}, by one`) ?? [];
    const [last] = all.filter(({ at }) => at <= moment).slice(-1);
    return last;
  }

  /** Whether others are inside as well that may not be. */
  look(section: Section): void {
    for (const other of this.#inside) {
      if (other === section || other.key !== section.key) continue;
      const both = [section, other];
      if (!both.every((one) => this.#isSure(one))) continue;
      const along = [...this.#inside].filter((one) => one.key === section.key && this.#isSure(one));
      const isFull = along.length > Math.min(section.capacity, other.capacity);
      const isMixed =
        section.capacity !== other.capacity && areCompatible(section.capacity, other.capacity);
      if (!isFull && !isMixed) continue;
      const names = both.map(
        ({ process, lock }) =>
          `${process.name} (${lock.fencingToken}, ${lock.remainingMs.toFixed(0)} ms left)`,
      );
      this.#violated(`I4: ${names.join(' and ')} are inside ${section.key}`);
    }
  }

  /** A lock that is renewed was lost: so many nodes as it takes must have been out of order. */
  lost({ key, process, lock, renew, enteredAt }: Section, needed: number): void {
    this.world.say(() => `${process.name}: has lost ${key}, number ${lock.fencingToken}`);
    const lately = this.longestTtl + 2000;
    if (!renew || process.isDisturbed(lately, needed) || process.hasSeenStep(lately)) return;
    if (this.world.now - enteredAt < 1) return;
    this.#violated(
      `${process.name} has lost ${key} though enough nodes were in reach and in order`,
    );
  }

  settled(process: SimProcess, key: string, wait: number, waitedMs: number): void {
    if (waitedMs > wait + 150 && !process.wasPausedWithin(wait + 2000))
      this.#violated(
        `${process.name} waited ${waitedMs.toFixed(0)} ms for ${key}, and was to wait ${wait} ms at most`,
      );
  }

  overtaken(process: SimProcess, key: string, times: number): void {
    this.#violated(
      `I7: a call of ${process.name} for ${key} was overtaken ${times} times by later ones`,
    );
  }

  broken(what: string): void {
    this.#violated(what);
  }

  #isSure({ process, lock, key }: Section): boolean {
    const { machine } = process;
    if (machine.isDead || machine.isSuspended || lock.remainingMs <= 0 || lock.signal.aborted)
      return false;
    if (process.wasSuspended && this.world.now - machine.resumedAt < WAKING_MS) return false;
    return !process.isTainted(key, TOLD_MS);
  }

  #violated(what: string): void {
    this.world.say(() => `VIOLATION: ${what}`);
    this.violations.push(`at ${this.world.now.toFixed(1)} ms: ${what}`);
  }
}
