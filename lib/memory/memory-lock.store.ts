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
  StoredLock,
  StoreListener,
} from '../engine/store/lock-store.js';
import { bootOf, claimIn, fencesIn } from '../engine/store/token.js';
import { systemClock } from '../engine/time/clock.js';
import { globToRegExp } from './glob.js';
import { MemorySpace } from './memory-space.js';

/** The lock was handed to the caller itself. */
type Promotion = Omit<Extract<PollReply, { kind: 'held' }>, 'sentAt'>;

/**
 * Locks in the memory of this process: for development and unit tests. It keeps the contract of
 * the store in Redis, hand-over included. Stores that share a space stand for several processes.
 */
export class MemoryLockStore implements LockStore {
  constructor(
    private readonly boot: string,
    private readonly space: MemorySpace = new MemorySpace(systemClock),
  ) {}

  listen(listener: StoreListener): void {
    this.space.listeners.set(this.boot, listener);
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    const { key, token, ttl, until, fences, queue, yields } = command;
    const { space } = this;
    const sentAt = space.clock.now();
    if (sentAt > until) return { kind: 'stale', sentAt };
    const yielded = yields === undefined ? undefined : space.holder(key)?.token === yields;
    const answer = yielded === undefined ? { sentAt } : { sentAt, yielded };
    if (yielded === true) space.free(key);
    const enqueue = (): { ticket: number } => {
      const ticket = Math.min(queue?.ticket ?? Infinity, space.microseconds());
      return space.enqueue(key, { token, boot: this.boot, ticket, callers: queue?.callers ?? 0 });
    };
    if (yielded === true && queue !== undefined) enqueue();
    if (space.holder(key) === undefined) {
      const granted = this.#promote(key, token);
      if (granted !== undefined) return { ...answer, ...granted };
    }
    if (space.holder(key) === undefined) space.take(key, token, ttl);
    const holder = space.holder(key);
    if (holder?.token === token) {
      holder.expiresAt = Math.max(holder.expiresAt, sentAt + ttl);
      return {
        kind: 'held',
        ...answer,
        lease: ttl,
        fences: space.mint(fences),
        queue: space.queue(key).length,
      };
    }
    const leaseLeft = (holder?.expiresAt ?? sentAt) - sentAt;
    if (queue === undefined) return { kind: 'busy', ...answer, leaseLeft };
    const { ticket } = enqueue();
    // A successor of a token that yields knows by its grant that somebody waits.
    if (yielded !== true && space.queue(key).length === 1 && holder?.token !== undefined)
      this.#tell(holder.token, 'wanted', 1);
    return { kind: 'queued', ...answer, leaseLeft, rank: this.#rank(key, token), ticket };
  }

  async poll({ key, token, until, callers }: PollCommand): Promise<PollReply> {
    const { space } = this;
    const sentAt = space.clock.now();
    if (sentAt > until) return { kind: 'stale', sentAt };
    const holder = space.holder(key);
    if (holder?.token === token) {
      const lease = claimIn(token);
      holder.expiresAt = Math.max(holder.expiresAt, sentAt + lease);
      return {
        kind: 'held',
        sentAt,
        lease,
        fences: space.mint(fencesIn(token)),
        queue: space.queue(key).length,
      };
    }
    const place = space.queue(key).find((waiter) => waiter.token === token);
    if (place === undefined) return { kind: 'gone', sentAt };
    space.enqueue(key, { ...place, callers });
    const granted = holder === undefined ? this.#promote(key, token) : undefined;
    if (granted !== undefined) return { sentAt, ...granted };
    const leaseLeft = (space.holder(key)?.expiresAt ?? sentAt) - sentAt;
    return {
      kind: 'queued',
      sentAt,
      leaseLeft,
      rank: this.#rank(key, token),
      ticket: place.ticket,
    };
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const { space } = this;
    const sentAt = space.clock.now();
    return commands.map(({ key, token, ttl, until, fences, callers }): RenewReply => {
      if (sentAt > until)
        return { kind: 'unknown', sentAt, error: new Error('The renewal came too late.') };
      const holder = space.holder(key);
      if (holder?.token !== token) return { kind: 'lost', sentAt };
      holder.expiresAt = Math.max(holder.expiresAt, sentAt + ttl);
      holder.behind = callers;
      const block = fences > 0 ? space.mint(fences) : { next: 0, last: -1 };
      return { kind: 'held', sentAt, fences: block, queue: space.queue(key).length };
    });
  }

  async release({ key, token, minHoldLeft }: ReleaseCommand): Promise<ReleaseReply> {
    const { space } = this;
    const holder = space.holder(key);
    if (holder?.token !== token) {
      const wasFirst = this.#rank(key, token) === 0;
      space.dequeue(key, token);
      if (wasFirst && holder?.token !== undefined)
        this.#tell(holder.token, 'wanted', space.queue(key).length);
      return 'not-held';
    }
    if (minHoldLeft > 0) {
      space.keepLocked(key, minHoldLeft);
      const [head] = space.queue(key);
      if (head !== undefined) this.#tell(head.token, 'recheck', minHoldLeft);
    } else {
      space.free(key);
      this.#promote(key);
    }
    return 'released';
  }

  async revoke(key: string): Promise<boolean> {
    const holder = this.space.holder(key);
    if (holder === undefined) return false;
    this.space.free(key);
    this.#promote(key);
    if (holder.token !== undefined) this.#tell(holder.token, 'revoked', 0);
    return true;
  }

  async inspect(key: string): Promise<StoredLock | null> {
    const holder = this.space.holder(key);
    if (holder === undefined) return null;
    const waiters = new Map(this.space.queue(key).map(({ boot, callers }) => [boot, callers]));
    if (holder.token !== undefined && holder.behind > 0)
      waiters.set(bootOf(holder.token), holder.behind);
    return { token: holder.token, leaseLeft: holder.expiresAt - this.space.clock.now(), waiters };
  }

  async *keys(match: string): AsyncIterable<readonly string[]> {
    const pattern = globToRegExp(match);
    yield this.space.keys().filter((key) => pattern.test(key));
  }

  async close(): Promise<void> {
    this.space.listeners.delete(this.boot);
    if (this.space.listeners.size === 0) this.space.close();
  }

  /** Hands the free lock to the first waiter that is alive; `own` learns it by the reply. */
  #promote(key: string, own?: string): Promotion | undefined {
    const { space } = this;
    for (let head = space.dequeue(key); head !== undefined; head = space.dequeue(key)) {
      const { token, boot, aliveUntil } = head;
      const listener = space.listeners.get(boot);
      const now = space.clock.now();
      if (aliveUntil <= now || listener === undefined) continue;
      const lease = claimIn(token);
      const fences = space.mint(fencesIn(token));
      const queue = space.queue(key).length;
      space.take(key, token, lease);
      if (token === own) return { kind: 'held', lease, fences, queue };
      setImmediate(() => listener.granted({ key, token, fences, queue, expiresAt: now + lease }));
      return undefined;
    }
    return undefined;
  }

  #rank(key: string, token: string): number {
    return this.space.queue(key).findIndex((waiter) => waiter.token === token);
  }

  /** A push arrives later, as over a network, and finds perhaps nobody. */
  #tell(token: string, what: 'wanted' | 'recheck' | 'revoked', amount: number): void {
    setImmediate(() => this.space.listeners.get(bootOf(token))?.[what](token, amount));
  }
}
