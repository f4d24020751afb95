import { setTimeout as sleep } from 'node:timers/promises';
import type { OnModuleDestroy } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { LockInfo } from '../engine/api/lock.js';
import type { WaitingProcess } from '../engine/store/lock-queue.js';
import {
  lockServicesIn,
  NO_LOCK_SERVICE,
  type NamedLockService,
} from '../nest/service/lock-services.js';
import { type BoardRow, idOf, rowOf } from './board-row.js';

/** What has changed since the last message. */
export interface BoardUpdate {
  /** The server's wall clock, in milliseconds. */
  readonly now: number;
  /** Whether `rows` are all that there are: so is what a viewer gets first, and what it gets after an error. */
  readonly whole: boolean;
  readonly rows: readonly BoardRow[];
  readonly gone: readonly string[];
  /** Locks that are held and not shown: there are too many. */
  readonly hidden: number;
  /** Why there is nothing newer: Redis can't be asked. */
  readonly error?: string;
}

/** Where a viewer's updates go. */
export interface Viewer {
  send(update: BoardUpdate): void;
  end(): void;
}

const PAUSE_MS = 400;
/**
 * After each page of keys, for each lock on it, and again for one that somebody waits for: a page costs Redis
 * 100 to 200 µs, a lock or its queue 10 to 30 µs. So it spends less than 2 % of its time on boards, however many
 * keys it has; a thousand locks with waiters are looked at in some four seconds.
 */
const PAUSE_PER_PAGE_MS = 10;
const PAUSE_PER_LOCK_MS = 2;
/** Commands that come together cost Redis less each; more of them would keep others waiting. */
const LOCKS_AT_ONCE = 50;
/** More rows than people read; counted, and not looked at closer. */
const MAX_ROWS = 2000;

/** Looks at the locks of all services for all viewers together; without viewers not at all. */
export class LockPoller implements OnModuleDestroy {
  readonly #viewers = new Set<Viewer>();
  /** What the last look found; `undefined`: none has ended since viewers came. */
  #found: Found | undefined;
  /** Why the last look failed. */
  #trouble: string | undefined;
  #wake = new AbortController();
  #running = false;
  #closed = false;

  constructor(private readonly modules: ModulesContainer) {}

  /** Tells `viewer` what is there and then each change, until {@link leave}. */
  watch(viewer: Viewer): void {
    if (this.#closed) return viewer.end();
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
    this.#viewers.add(viewer);
    if (!this.#running) void this.#run();
    else if (this.#found !== undefined || this.#trouble !== undefined) viewer.send(this.#whole());
  }

  leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size === 0) this.#wake.abort();
  }

  /** A server that closes waits for its streams. */
  onModuleDestroy(): void {
    this.#closed = true;
    for (const viewer of this.#viewers) viewer.end();
    this.#viewers.clear();
    this.#wake.abort();
  }

  /** The service of this name. */
  serviceOf(name: string): NamedLockService['service'] | undefined {
    return lockServicesIn(this.modules).find((each) => each.name === name)?.service;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#viewers.size > 0) {
      await this.#look().catch(({ message }: Error) => this.#fail(message));
      await this.#pause(PAUSE_MS);
    }
    this.#running = false;
    this.#found = this.#trouble = undefined;
  }

  #fail(error: string): void {
    if (this.#trouble === error) return;
    this.#trouble = error;
    this.#tell(this.#update());
  }

  /** Ends at once when the last viewer has left. */
  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#wake.signal }).catch(() => undefined);
  }

  async #look(): Promise<void> {
    const { signal } = this.#wake;
    const found: Found = { rows: new Map(), hidden: 0 };
    const services = lockServicesIn(this.modules);
    if (services.length === 0) throw new Error(NO_LOCK_SERVICE);
    for (const service of services) await this.#lookAt(service, found, signal);
    // Viewers have left meanwhile: the rest was not looked at.
    if (signal.aborted) return;
    const before = this.#isBlind ? undefined : this.#found;
    this.#found = found;
    this.#trouble = undefined;
    if (before === undefined) return this.#tell(this.#whole());
    const rows = [...found.rows.values()].filter(
      (row) => JSON.stringify(row) !== JSON.stringify(before.rows.get(row.id)),
    );
    const gone = [...before.rows.keys()].filter((id) => !found.rows.has(id));
    const isSame = rows.length === 0 && gone.length === 0 && found.hidden === before.hidden;
    if (!isSame) this.#tell(this.#update({ rows, gone }));
  }

  async #lookAt(
    { name, manager }: NamedLockService,
    found: Found,
    signal: AbortSignal,
  ): Promise<void> {
    const { viewer } = manager;
    for await (const keys of viewer.pages()) {
      if (signal.aborted) return;
      const shown = keys.slice(0, MAX_ROWS - found.rows.size);
      found.hidden += keys.length - shown.length;
      for (let i = 0; i < shown.length; i += LOCKS_AT_ONCE) {
        const some = shown.slice(i, i + LOCKS_AT_ONCE);
        const infos = await viewer.look(some);
        for (const { info, queue } of await withQueues(viewer, infos)) {
          const before = this.#found?.rows.get(idOf(name, info.key));
          const row = rowOf(name, info, queue, { now: Date.now(), before, early: this.#isBlind });
          found.rows.set(row.id, row);
        }
        const queues = infos.filter(({ waiters }) => waiters > 0).length;
        await this.#pause((some.length + queues) * PAUSE_PER_LOCK_MS);
      }
      await this.#pause(PAUSE_PER_PAGE_MS);
    }
  }

  /** Whether what comes into sight may have been there long before. */
  get #isBlind(): boolean {
    return this.#found === undefined || this.#trouble !== undefined;
  }

  /** All rows; none where no look has ended: nobody knows what there is. */
  #whole(): BoardUpdate {
    const rows = this.#found?.rows;
    return this.#update(rows && { whole: true, rows: [...rows.values()] });
  }

  #update(news: Partial<BoardUpdate> = {}): BoardUpdate {
    const error = this.#trouble;
    return {
      ...{ now: Date.now(), whole: false, rows: [], gone: [], hidden: this.#found?.hidden ?? 0 },
      ...(error !== undefined && { error }),
      ...news,
    };
  }

  #tell(update: BoardUpdate): void {
    for (const viewer of this.#viewers) viewer.send(update);
  }
}

/** What one look finds. */
interface Found {
  readonly rows: Map<string, BoardRow>;
  /** Locks beyond those that are looked at. */
  hidden: number;
}

/** The locks with those who wait for them, asked for together. */
function withQueues(
  viewer: NamedLockService['manager']['viewer'],
  infos: readonly LockInfo[],
): Promise<{ info: LockInfo; queue: readonly WaitingProcess[] }[]> {
  const ask = async (info: LockInfo) => {
    return { info, queue: info.waiters > 0 ? await viewer.queue(info.key) : [] };
  };
  return Promise.all(infos.map(ask));
}
