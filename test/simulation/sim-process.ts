import { OptionReader } from '../../lib/engine/api/option-reader.js';
import { readSettings } from '../../lib/engine/api/lock-options.check.js';
import { LockManager } from '../../lib/engine/lock-manager.js';
import { majorityOf } from '../../lib/redis/quorum/arithmetic.js';
import { QuorumLockStore } from '../../lib/redis/quorum/quorum-lock.store.js';
import type { LinkedStore } from '../../lib/redis/store/node-store.js';
import { RedisLockStore } from '../../lib/redis/store/redis-lock.store.js';
import { SimLink } from './sim-link.js';
import { SimMachine } from './sim-machine.js';
import type { SimNode } from './sim-node.js';
import type { World } from './world.js';

export interface ProcessOptions {
  readonly commandTimeout: number;
  readonly ttl: number;
  readonly localHandoffs: number;
}

/** The real engine and the real stores' client code, on simulated servers. */
export class SimProcess {
  readonly machine: SimMachine;
  readonly manager: LockManager;
  readonly links: SimLink[] = [];
  wasSuspended = false;
  /** Calls under way, by key. */
  readonly #calls = new Map<string, number>();
  readonly #tainted = new Map<string, { readonly untilTold: boolean; readonly until: number }>();
  #pausedUntil = -Infinity;

  constructor(
    private readonly world: World,
    readonly name: string,
    private readonly nodes: readonly SimNode[],
    options: ProcessOptions,
  ) {
    this.machine = new SimMachine(world, name);
    const { commandTimeout, ttl, localHandoffs } = options;
    const settings = readSettings(
      new OptionReader({ commandTimeout, ttl, localHandoffs, shutdownTimeout: 0 }),
    );
    this.manager = new LockManager(
      settings,
      (boot, clock) => {
        const linked = nodes.map((node) => this.#link(node, boot, commandTimeout));
        return linked.length === 1
          ? linked[0]!.store
          : new QuorumLockStore(linked, { clock, commandTimeout, ttl });
      },
      this.machine,
    );
  }

  begin(key: string): void {
    this.#calls.set(key, (this.#calls.get(key) ?? 0) + 1);
  }

  end(key: string): void {
    const left = (this.#calls.get(key) ?? 1) - 1;
    this.#calls.set(key, left);
    if (left === 0) this.#tainted.delete(key);
  }

  /** What it holds, or is about to hold, may be gone without its knowing, until its longest lease is over. */
  taint(untilTold: boolean, until: number): void {
    for (const [key, calls] of this.#calls)
      if (calls > 0) this.#tainted.set(key, { untilTold, until });
  }

  /** @param toldMs How long after it is connected again it must know. */
  isTainted(key: string, toldMs = Infinity): boolean {
    const taint = this.#tainted.get(key);
    if (taint === undefined || this.world.now > taint.until) return false;
    if (!taint.untilTold || this.machine.isPaused) return true;
    const { now } = this.world;
    return !this.links.every(({ healthySince }) => now - healthySince > toldMs);
  }

  stop(ms: number, suspended: boolean): void {
    this.machine.stop(suspended);
    this.wasSuspended = suspended;
    this.#pausedUntil = this.world.now + ms;
    this.world.in(ms, () => {
      this.world.say(() => `${this.name}: goes on`);
      this.machine.resume();
    });
  }

  wasPausedWithin(ms: number): boolean {
    return this.world.now - this.#pausedUntil < ms;
  }

  /** Whether, within the last `ms`, it was stopped, or fewer than `needed` nodes were in reach and in order. */
  isDisturbed(ms: number, needed = majorityOf(this.nodes.length)): boolean {
    if (this.wasPausedWithin(ms)) return true;
    const since = this.world.now - ms;
    const fine = this.links.filter(({ troubledUntil, node }) => {
      const bad = Math.max(troubledUntil, node.troubledUntil);
      return bad < since;
    });
    return fine.length < needed;
  }

  stepClock(ms: number): void {
    this.machine.stepWall(ms);
    this.#pausedUntil = Math.max(this.#pausedUntil, this.world.now);
  }

  kill(): void {
    this.machine.isDead = true;
    for (const link of this.links) link.die();
  }

  /** Whether a server's clock was set within the last `ms`. */
  hasSeenStep(ms: number): boolean {
    return this.nodes.some(({ steppedAt }) => this.world.now - steppedAt < ms);
  }

  #link(node: SimNode, boot: string, commandTimeout: number): LinkedStore {
    const link = new SimLink(this.world, this.machine, node, boot, commandTimeout);
    const store = new RedisLockStore(link, this.machine);
    this.links.push(link);
    return { store, link };
  }
}
