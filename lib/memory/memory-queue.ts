import type { AcquireCommand, PollReply } from '../engine/store/lock-store.js';
import { SIGN_MS } from '../engine/store/lock-queue.js';
import { claimIn, fencesIn } from '../engine/store/token.js';
import { afterReads } from '../engine/time/clock.js';
import type { MemorySpace } from './memory-space.js';

/** The lock was handed to the caller itself. */
type Promotion = Omit<Extract<PollReply, { kind: 'held' }>, 'sentAt'>;

/** Who waits for the locks of a space, and how they come by them. */
export class MemoryQueue {
  constructor(private readonly space: MemorySpace) {}

  /** A place in the queue of a busy lock; the holders hear of it. */
  join(command: AcquireCommand): number {
    const { space } = this;
    const { key, token } = command;
    const isNew = this.rank(key, token) < 0;
    const ticket = this.place(command);
    const waiting = space.queue(key).length;
    if (waiting === 1 || (isNew && space.holdsSeveral(key))) this.#tellHolders(key, waiting);
    return ticket;
  }

  /** A place in the queue. */
  place({ key, token, queue }: AcquireCommand): number {
    const ticket = Math.min(queue?.ticket ?? Infinity, this.space.microseconds());
    return this.space.enqueue(key, { token, ticket, callers: queue?.callers ?? 0 }).ticket;
  }

  /** Leaves the queue; those behind the first may get along with the holders. */
  quit(key: string, token: string): void {
    const { space } = this;
    const wasFirst = this.rank(key, token) === 0;
    space.dequeue(key, token);
    if (!wasFirst || space.lock(key) === undefined) return;
    if (space.holdsSeveral(key)) this.promote(key);
    this.#tellHolders(key, space.queue(key).length);
  }

  rank(key: string, token: string): number {
    return this.space.queue(key).findIndex((waiter) => waiter.token === token);
  }

  /**
   * Hands the lock to the first waiters that are alive, as long as they get along with its holders;
   * `own` learns it by the reply.
   */
  promote(key: string, own?: string): Promotion | undefined {
    const { space } = this;
    let mine: Promotion | undefined;
    for (let [head] = space.queue(key); head !== undefined; [head] = space.queue(key)) {
      const { token, boot, aliveUntil } = head;
      const listener = space.listeners.get(boot);
      const now = space.clock.now();
      const lives = aliveUntil > now;
      if (lives && !space.admits(key, token)) break;
      space.dequeue(key, token);
      if (!lives || listener === undefined) continue;
      const lease = claimIn(token);
      const fences = space.mint(fencesIn(token));
      const queue = space.queue(key).length;
      space.admit(key, token, lease);
      if (token === own) mine = { kind: 'held', lease, fences, queue };
      else
        afterReads(() => listener.granted({ key, token, fences, queue, expiresAt: now + lease }));
    }
    return mine;
  }

  /**
   * Where the lock has room for a token, and the first in line alone keeps it out, that one has to show that it lives.
   * Returns after how many ms it pays for the token to ask again.
   */
  doubtFirst(key: string, token: string): number | undefined {
    const { space } = this;
    const [head] = space.queue(key);
    if (head === undefined || head.token === token) return undefined;
    if (!space.holdsSeveral(key) || !space.admits(key, token)) return undefined;
    space.tell(head.token, 'recheck', 0);
    const pollIn = space.listeners.has(head.boot) ? SIGN_MS : 0;
    head.aliveUntil = Math.min(head.aliveUntil, space.clock.now() + pollIn);
    return pollIn;
  }

  #tellHolders(key: string, waiting: number): void {
    for (const token of this.space.lock(key)?.holders.keys() ?? [])
      this.space.tell(token, 'wanted', waiting);
  }
}
