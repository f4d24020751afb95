import type { EventEmitter } from 'node:events';
import { HttpException } from '@nestjs/common';
import type { StopSignal } from '../../engine/api/lock-options.js';
import { raiseLimit } from '../transport/listener-limit.js';

/** How something that connects a call to its client tells that the client has left. */
export interface Leaving<T extends EventEmitter> {
  /** When to look. */
  readonly event: string;
  /** Whether the client has left, at any moment. */
  hasLeft(link: T): boolean;
  /** Whether the client has its answer when the event comes. */
  isAnswered(link: T): boolean;
}

/** A lock that is free is there sooner: most calls would listen for nothing. */
const WATCHED_AFTER_MS = 20;

/**
 * Tells that a caller has left. It does for the engine what an `AbortSignal` does, without the price
 * of one (some 8 µs) for each request, and watches the link to the client only while somebody listens,
 * from {@link WATCHED_AFTER_MS} on.
 */
export class ClientDeparture<T extends EventEmitter = EventEmitter> implements StopSignal {
  #listeners: readonly (() => void)[] = [];
  #reason: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isWatched = false;

  /** @param link What connects the call to its client; `undefined` when nothing is known to. */
  constructor(
    private readonly link: T | undefined,
    private readonly leaving: Leaving<T>,
  ) {}

  get aborted(): boolean {
    return this.reason !== undefined;
  }

  get reason(): Error | undefined {
    if (this.#reason === undefined && this.link !== undefined && this.leaving.hasLeft(this.link)) {
      this.leave();
    }
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.reason !== undefined) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.link !== undefined && this.#listeners.length === 0)
      this.#timer = setTimeout(this.#watch, WATCHED_AFTER_MS).unref();
    this.#listeners = [...this.#listeners, listener];
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (!this.#listeners.includes(listener)) return;
    this.#listeners = this.#listeners.filter((other) => other !== listener);
    if (this.#listeners.length === 0) this.#unwatch();
  }

  /** Ends the wait; only the first call counts. */
  leave(): void {
    if (this.#reason !== undefined) return;
    this.#reason = new HttpException('The client has left.', 499);
    for (const listener of this.#listeners) listener();
  }

  readonly #watch = (): void => {
    this.#isWatched = true;
    raiseLimit(this.link, 1);
    this.link?.on(this.leaving.event, this.#check);
    // It may have left meanwhile.
    void this.reason;
  };

  #unwatch(): void {
    clearTimeout(this.#timer);
    if (!this.#isWatched) return;
    this.#isWatched = false;
    this.link?.off(this.leaving.event, this.#check);
    raiseLimit(this.link, -1);
  }

  readonly #check = (): void => {
    if (this.link !== undefined && !this.leaving.isAnswered(this.link)) this.leave();
  };
}
