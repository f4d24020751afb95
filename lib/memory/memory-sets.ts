import { kindConflict } from '../engine/api/capacity.js';
import type { BusyMember, SetCommand, SetReply, SetStore } from '../engine/store/set-store.js';
import { capacityIn } from '../engine/store/token.js';
import type { MemoryQueue } from './memory-queue.js';
import type { MemorySpace } from './memory-space.js';
import { shownHolder } from './stored-lock.js';

/** Several locks of a space in one step. */
export class MemorySets implements SetStore {
  constructor(
    private readonly space: MemorySpace,
    private readonly queue: MemoryQueue,
  ) {}

  /** Any may be locked together. */
  check(): void {}

  async acquire({ locks, ttl, until }: SetCommand): Promise<SetReply> {
    const { space } = this;
    const sentAt = space.clock.now();
    if (sentAt > until) return { kind: 'stale', sentAt };
    for (const lock of locks) {
      const other = this.#inTheWay(lock);
      if (other === undefined) continue;
      for (const { key, token } of locks) this.#giveBack(key, token);
      if (other instanceof Error) throw other;
      return { kind: 'busy', sentAt, ...other };
    }
    for (const { key, token } of locks)
      if (!space.prolong(key, token, ttl)) space.admit(key, token, ttl);
    return { kind: 'held', sentAt, fence: space.mint(1).next };
  }

  #inTheWay({ key, token }: SetCommand['locks'][number]): BusyMember | Error | undefined {
    const { space } = this;
    if (space.holder(key, token) !== undefined) return undefined;
    if (space.admits(key, token)) this.queue.promote(key);
    if (space.queue(key).length === 0 && space.admits(key, token)) return undefined;
    const theirs = space.conflict(key, token);
    if (theirs !== undefined) return kindConflict(key, capacityIn(token), theirs);
    this.queue.doubtFirst(key, token);
    const leaseLeft = space.leaseLeft(key, token);
    return { key, leaseLeft, holder: shownHolder(space.holder(key)) };
  }

  /** What a command has that is repeated. */
  #giveBack(key: string, token: string): void {
    if (this.space.holder(key, token) === undefined) return;
    this.space.leave(key, token);
    this.queue.promote(key);
  }
}
