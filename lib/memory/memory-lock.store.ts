import { kindConflict } from '../engine/api/capacity.js';
import type {
  AcquireCommand,
  AcquireReply,
  LockStore,
  PollCommand,
  PollReply,
  ReleaseCommand,
  ReleaseReply,
  RenewCommand,
  RenewReply,
  StoreEvents,
} from '../engine/store/lock-store.js';
import type { StoredPlace } from '../engine/store/lock-queue.js';
import type { MoveCommand, MoveReply } from '../engine/store/move.js';
import type { StoredLock } from '../engine/store/stored-lock.js';
import { capacityIn, claimIn, fencesIn } from '../engine/store/token.js';
import { systemClock } from '../engine/time/clock.js';
import { globMatcher } from './glob.js';
import { MemoryQueue } from './memory-queue.js';
import { MemorySets } from './memory-sets.js';
import { MemorySpace } from './memory-space.js';
import { shownHolder, storedLock } from './stored-lock.js';

/**
 * Locks in the memory of this process: for development and unit tests. It keeps the contract of
 * the store in Redis, hand-over included. Stores that share a space stand for several processes.
 */
export class MemoryLockStore implements LockStore {
  readonly #queue: MemoryQueue;
  readonly sets: MemorySets;

  constructor(
    private readonly boot: string,
    private readonly space: MemorySpace = new MemorySpace(systemClock),
  ) {
    this.#queue = new MemoryQueue(space);
    this.sets = new MemorySets(space, this.#queue);
  }

  listen(listener: StoreEvents): void {
    this.space.listeners.set(this.boot, listener);
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    const { key, token, ttl, until, fences, queue, yields } = command;
    const { space } = this;
    const sentAt = space.clock.now();
    if (sentAt > until) return { kind: 'stale', sentAt };
    if (yields !== undefined && space.holder(key, yields) !== undefined)
      return this.#yield(command, yields, sentAt);
    const answer = yields === undefined ? { sentAt } : { sentAt, yielded: false };
    const isHeld = space.holder(key, token) !== undefined;
    if (!isHeld && space.admits(key, token)) {
      const granted = this.#queue.promote(key, token);
      if (granted !== undefined) return { ...answer, ...granted };
      const nobodyWaits = space.queue(key).length === 0;
      if (nobodyWaits && space.admits(key, token)) space.admit(key, token, ttl);
    }
    if (space.prolong(key, token, ttl))
      return { kind: 'held', ...answer, lease: ttl, ...this.#minted(key, fences) };
    const theirs = space.conflict(key, token);
    if (theirs !== undefined) throw kindConflict(key, capacityIn(token), theirs);
    const pollIn = this.#queue.doubtFirst(key, token);
    const leaseLeft = space.leaseLeft(key, token);
    const holder = shownHolder(space.holder(key));
    if (queue === undefined) return { kind: 'busy', ...answer, leaseLeft, holder };
    const ticket = this.#queue.join(command);
    const rank = this.#queue.rank(key, token);
    return { kind: 'queued', ...answer, leaseLeft, rank, ticket, holder, pollIn };
  }

  async poll({ key, token, until, callers }: PollCommand): Promise<PollReply> {
    const { space } = this;
    const sentAt = space.clock.now();
    if (sentAt > until) return { kind: 'stale', sentAt };
    const lease = claimIn(token);
    if (space.prolong(key, token, lease))
      return { kind: 'held', sentAt, lease, ...this.#minted(key, fencesIn(token)) };
    const place = space.queue(key).find((waiter) => waiter.token === token);
    if (place === undefined) return { kind: 'gone', sentAt };
    const { ticket } = space.enqueue(key, { ...place, callers });
    const granted = this.#queue.promote(key, token);
    if (granted !== undefined) return { sentAt, ...granted };
    const pollIn = this.#queue.doubtFirst(key, token);
    const leaseLeft = space.leaseLeft(key, token);
    const rank = this.#queue.rank(key, token);
    return {
      kind: 'queued',
      sentAt,
      leaseLeft,
      rank,
      ticket,
      holder: shownHolder(space.holder(key)),
      pollIn,
    };
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const { space } = this;
    const sentAt = space.clock.now();
    return commands.map(({ key, token, ttl, until, fences, callers }): RenewReply => {
      if (sentAt > until)
        return { kind: 'unknown', sentAt, error: new Error('The renewal came too late.') };
      if (!space.prolong(key, token, ttl, callers)) return { kind: 'lost', sentAt };
      const block = fences > 0 ? space.mint(fences) : { next: 0, last: -1 };
      return { kind: 'held', sentAt, fences: block, queue: space.queue(key).length };
    });
  }

  async release({ key, token, minHoldLeft }: ReleaseCommand): Promise<ReleaseReply> {
    const { space } = this;
    if (space.holder(key, token) === undefined) {
      this.#queue.quit(key, token);
      return 'not-held';
    }
    if (minHoldLeft > 0) {
      space.keepLocked(key, token, minHoldLeft);
      this.#queue.promote(key);
      const [head] = space.queue(key);
      const left = space.holdsSeveral(key) ? space.firstEnd(key) : minHoldLeft;
      if (head !== undefined) space.tell(head.token, 'recheck', left);
    } else {
      space.leave(key, token);
      this.#queue.promote(key);
    }
    return 'released';
  }

  async move({ key, from, to, ttl, until, beside }: MoveCommand): Promise<MoveReply> {
    const { space } = this;
    const sentAt = space.clock.now();
    if (sentAt > until) return { kind: 'stale', sentAt };
    const queue = space.queue(key).length;
    if (space.prolong(key, to, ttl)) return { kind: 'held', sentAt, queue };
    const holder = space.holder(key, from);
    if (holder === undefined) return { kind: 'lost', sentAt };
    const leaseLeft = holder.expiresAt - sentAt;
    space.admit(key, to, Math.max(ttl, leaseLeft));
    if (!beside) space.leave(key, from);
    return { kind: 'held', sentAt, queue, leaseLeft };
  }

  async revoke(key: string): Promise<boolean> {
    const lock = this.space.lock(key);
    if (lock === undefined) return false;
    const ousted = [...lock.holders.keys()].filter((token) => !token.startsWith('~'));
    this.space.free(key);
    this.#queue.promote(key);
    for (const token of ousted) this.space.tell(token, 'revoked', 0);
    return true;
  }

  async inspect(key: string): Promise<StoredLock | null> {
    return storedLock(this.space, key);
  }

  async queue(key: string): Promise<readonly StoredPlace[]> {
    return this.space.queue(key);
  }

  async *keys(match: string): AsyncIterable<readonly string[]> {
    const matches = globMatcher(match);
    yield this.space.keys().filter((key) => matches(key));
  }

  async close(): Promise<void> {
    this.space.listeners.delete(this.boot);
    if (this.space.listeners.size === 0) this.space.close();
  }

  /** Gives up the lock and queues in one step; its successor knows by the grant that somebody waits. */
  #yield(command: AcquireCommand, yields: string, sentAt: number): AcquireReply {
    const { key, token } = command;
    this.space.leave(key, yields);
    const ticket = this.#queue.place(command);
    const answer = { sentAt, yielded: true };
    const granted = this.#queue.promote(key, token);
    if (granted !== undefined) return { ...answer, ...granted };
    const leaseLeft = this.space.leaseLeft(key, token);
    const rank = this.#queue.rank(key, token);
    const holder = shownHolder(this.space.holder(key));
    return { kind: 'queued', ...answer, leaseLeft, rank, ticket, holder };
  }

  #minted(
    key: string,
    count: number,
  ): Pick<Extract<PollReply, { kind: 'held' }>, 'fences' | 'queue'> {
    return { fences: this.space.mint(count), queue: this.space.queue(key).length };
  }
}
