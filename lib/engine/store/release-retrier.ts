import { LockUnavailableError } from '../api/errors.js';
import type { Clock, Timer } from '../time/clock.js';
import { ALIVE_MS, type LockStore, type ReleaseCommand, type ReleaseReply } from './lock-store.js';

const RETRY_MS = 500;

/**
 * Gives tokens back, and goes on trying when Redis did not answer: until it did, or until the
 * lease and the place in the queue have ended by themselves.
 */
export class ReleaseRetrier {
  /** Releases that did not get through, and until when it makes sense to repeat them. */
  readonly #owed = new Map<ReleaseCommand, number>();
  #underway = 0;
  #onSettled: (() => void) | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
  ) {}

  /** One attempt, whose answer or failure the caller gets; a failed one is repeated in the background. */
  async release(command: ReleaseCommand, ttl: number): Promise<ReleaseReply> {
    this.#underway += 1;
    try {
      return await this.store.release(command);
    } catch (error) {
      this.#owe(command, this.clock.now() + Math.max(ttl, ALIVE_MS));
      throw error;
    } finally {
      this.#underway -= 1;
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

  /** Resolves when every release has been answered or has failed. */
  async settled(): Promise<void> {
    if (this.#underway > 0) await new Promise<void>((resolve) => (this.#onSettled = resolve));
  }

  /** Releases a token that nobody here uses any more, whatever has become of it. */
  discard(key: string, token: string, ttl: number, minHoldLeft = 0): void {
    this.release({ key, token, minHoldLeft }, ttl).catch(() => undefined);
  }

  /** The connection is back: everything owed goes out at once. */
  retry(): void {
    const now = this.clock.now();
    for (const [command, until] of this.#owed) {
      this.#owed.delete(command);
      if (now < until) this.store.release(command).catch(() => this.#owe(command, until));
    }
  }

  /** Stops repeating; what is owed ends with its lease. */
  close(): void {
    this.#closed = true;
    this.clock.cancel(this.#timer);
    this.#owed.clear();
  }

  #owe(command: ReleaseCommand, until: number): void {
    if (this.#closed) return;
    this.#owed.set(command, until);
    if (this.#timer !== undefined) return;
    this.#timer = this.clock.after(
      RETRY_MS,
      () => {
        this.#timer = undefined;
        this.retry();
      },
      'observer',
    );
  }
}
