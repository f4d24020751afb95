import { LockUnavailableError } from '../api/errors.js';
import type { Clock, Timer } from '../time/clock.js';
import { ALIVE_MS, type LockStore, type ReleaseCommand, type ReleaseReply } from './lock-store.js';

const RETRY_MS = 500;

/** A release that was not heard. */
interface Owed {
  readonly command: ReleaseCommand;
  /** When lease and place in the queue have ended by themselves. */
  readonly until: number;
  /** The servers that did not hear it: what failed at one place is repeated there together. */
  readonly place: string;
}

/**
 * Gives tokens back, and repeats what was not heard: every half second, and whenever a server can be
 * reached anew. At each place one goes first, each time another, and the rest follows once that was
 * heard: a server that hangs gets one command instead of thousands, and holds up no other.
 */
export class ReleaseRetrier {
  /** By token, the one that was tried longest ago first. */
  readonly #owed = new Map<string, Owed>();
  /** What is to be left of a `minHold` by releases that are under way, by token, in milliseconds. */
  readonly #keeping = new Map<string, number>();
  /** Where the first one is under way. */
  readonly #trying = new Set<string>();
  #triedAt = -Infinity;
  #underway = 0;
  #onSettled: (() => void) | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    private readonly store: Pick<LockStore, 'release'>,
    private readonly clock: Clock,
  ) {}

  /** One attempt, whose answer or failure the caller gets; a failed one is repeated in the background. */
  async release(command: ReleaseCommand, ttl: number): Promise<ReleaseReply> {
    const { token, minHoldLeft } = command;
    this.#underway += 1;
    if (minHoldLeft > 0) this.#keeping.set(token, minHoldLeft);
    try {
      return await this.store.release(command);
    } catch (error) {
      const until = this.clock.now() + Math.max(ttl, ALIVE_MS);
      this.#owe({ command, until, place: placeOf(error) });
      throw error;
    } finally {
      this.#underway -= 1;
      if (minHoldLeft > 0) this.#keeping.delete(token);
      if (this.#underway === 0) this.#onSettled?.();
    }
  }

  /** {@link release} whose caller waits until the moment `until` at most. */
  releaseBy(until: number, command: ReleaseCommand, ttl: number): Promise<ReleaseReply> {
    const reason = 'Redis did not answer in time; the release is repeated.';
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new LockUnavailableError([command.key], reason));
      const timer = this.clock.after(until - this.clock.now(), late);
      const released = this.release(command, ttl);
      released.then(resolve, reject).finally(() => this.clock.cancel(timer));
    });
  }

  /** Releases a token that nobody here uses any more, whatever has become of it; an earlier `minHold` of it stands. */
  discard(key: string, token: string, ttl: number, minHoldLeft = 0): void {
    const owed = this.#owed.get(token)?.command.minHoldLeft ?? 0;
    const kept = Math.max(minHoldLeft, owed, this.#keeping.get(token) ?? 0);
    this.release({ key, token, minHoldLeft: kept }, ttl).catch(() => undefined);
  }

  /** Resolves when every release has been answered or has failed. */
  async settled(): Promise<void> {
    if (this.#underway > 0) await new Promise<void>((resolve) => (this.#onSettled = resolve));
  }

  /** Whether a release of `token` is to be repeated: what the token is given before, that takes. */
  owes(token: string): boolean {
    return this.#owed.has(token);
  }

  /** Something else was answered: what is owed may be heard as well, unless it was tried just before. */
  heard(): void {
    if (this.#owed.size > 0 && this.clock.now() >= this.#triedAt + RETRY_MS) this.retry();
  }

  /** A server can be reached anew: what is owed goes out at once. */
  retry(): void {
    const now = this.clock.now();
    const places = new Set<string>();
    for (const [token, { until, place }] of this.#owed) {
      if (until <= now) this.#owed.delete(token);
      else if (!this.#trying.has(place)) places.add(place);
    }
    for (const place of places) void this.#retryAt(place);
  }

  /** Stops repeating; what is owed ends with its lease. */
  close(): void {
    this.#closed = true;
    this.clock.cancel(this.#timer);
    this.#owed.clear();
  }

  async #retryAt(place: string): Promise<void> {
    const [first, ...rest] = [...this.#owed.values()].filter((owed) => owed.place === place);
    if (first === undefined) return;
    this.#trying.add(place);
    if (await this.#repeat(first)) await Promise.all(rest.map((owed) => this.#repeat(owed)));
    this.#trying.delete(place);
    // What was owed meanwhile has missed its turn.
    this.#arm();
  }

  /** Whether it was heard. */
  async #repeat(owed: Owed): Promise<boolean> {
    const { token } = owed.command;
    this.#triedAt = this.clock.now();
    try {
      await this.store.release(owed.command);
      if (this.#owed.get(token) === owed) this.#owed.delete(token);
      return true;
    } catch (error) {
      // A later one of the same token stands for both.
      const latest = this.#owed.get(token);
      if (latest !== undefined) this.#owe({ ...latest, place: placeOf(error) });
      return false;
    }
  }

  #owe(owed: Owed): void {
    if (this.#closed) return;
    this.#owed.delete(owed.command.token);
    this.#owed.set(owed.command.token, owed);
    this.#arm();
  }

  #arm(): void {
    if (this.#owed.size === 0) return;
    this.#timer ??= this.clock.after(
      RETRY_MS,
      () => {
        this.#timer = undefined;
        this.retry();
      },
      'observer',
    );
  }
}

function placeOf(error: unknown): string {
  return error instanceof LockUnavailableError ? error.nodes.join(' ') : '';
}
