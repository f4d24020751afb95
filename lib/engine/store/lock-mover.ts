import { LockConfigError, LockUnavailableError } from '../api/errors.js';
import { backoff } from '../time/backoff.js';
import { type Clock, pause } from '../time/clock.js';
import { skewOf, suspendedSince } from '../time/clock-skew.js';
import type { LockStore } from './lock-store.js';
import type { MoveCommand, MoveReply } from './move.js';

/** A move that was answered in time. */
export type Moved = Exclude<MoveReply, { kind: 'stale' }>;

const TOO_LATE = 'the command reached Redis too late, or its answer us.';

/**
 * Puts one token in the place of another one, and asks until there is an answer: the same command
 * each time, so that one whose answer was lost counts.
 */
export class LockMover {
  /** By token: what was begun last for it. */
  readonly #underway = new Map<string, Promise<unknown>>();
  #isFinishing = false;

  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
    private readonly commandTimeout: number,
  ) {}

  /** @throws {LockConfigError} The store can't move a lock. */
  check(keys: readonly string[]): void {
    if (this.store.move !== undefined) return;
    const problem =
      'detach and attach are not available on a quorum (several independent servers), whose votes ' +
      "can't be moved in one step; use one server, Sentinel or a Cluster for them.";
    throw new LockConfigError([problem], keys);
  }

  /** One after another for each token that a ticket bears: what comes next finds what became of the one before. */
  inTurn<T>(token: string, run: () => Promise<T>): Promise<T> {
    const before = this.#underway.get(token);
    const turn = before === undefined ? run() : before.then(run, run);
    const ended = (): void => {
      if (this.#underway.get(token) === turn) this.#underway.delete(token);
    };
    this.#underway.set(token, turn);
    turn.then(ended, ended);
    return turn;
  }

  /** @param goesOn Whether it is asked again after this failure; else it is thrown. */
  async move(
    command: Omit<MoveCommand, 'until'>,
    goesOn: (failure: LockUnavailableError) => boolean,
  ): Promise<Moved> {
    const isWanted = (failure: LockUnavailableError): boolean =>
      goesOn(failure) && !this.#isFinishing;
    for (let failures = 1; ; failures += 1) {
      const outcome = await this.#try(command);
      if (!(outcome instanceof LockUnavailableError)) return outcome;
      if (!isWanted(outcome)) throw outcome;
      await pause(backoff(failures, this.clock), this.clock);
      if (!isWanted(outcome)) throw outcome;
    }
  }

  /** Lets all turns end, without another try of any move: resolves when those who asked have heard of it. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway.values());
  }

  async #try(command: Omit<MoveCommand, 'until'>): Promise<Moved | LockUnavailableError> {
    const { clock, store } = this;
    const skew = skewOf(clock);
    const until = clock.now() + this.commandTimeout;
    try {
      const reply = await store.move?.({ ...command, until });
      // What was answered before the machine was suspended says nothing about the lease that is left.
      const isOld = suspendedSince(skew, clock) > 0;
      if (reply === undefined || reply.kind === 'stale' || (reply.kind === 'held' && isOld))
        return new LockUnavailableError([command.key], TOO_LATE);
      return reply;
    } catch (error) {
      if (error instanceof LockUnavailableError) return error;
      throw error;
    }
  }
}
