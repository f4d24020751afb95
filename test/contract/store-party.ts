import { EXCLUSIVE } from '../../lib/engine/api/capacity.js';
import { TokenMint, claimOf } from '../../lib/engine/store/token.js';
import type {
  AcquireCommand,
  AcquireReply,
  Grant,
  LockStore,
  PollReply,
  ReleaseReply,
  RenewCommand,
  RenewReply,
} from '../../lib/engine/store/lock-store.js';
import { eventually } from '../support/eventually.js';

/** A command may be carried out so long after it was sent: longer than a busy machine takes. */
export const COMMAND_MS = 20_000;

/** A process that uses a store, as the contract sees it: what it does, and what it was told unasked. */
export class StoreParty {
  readonly grants: Grant[] = [];
  readonly wanted: { token: string; queue: number }[] = [];
  readonly revoked: string[] = [];
  readonly rechecks: { token: string; inMs: number }[] = [];
  readonly doubts: { token: string; key: string }[] = [];
  reconnects = 0;

  constructor(
    readonly mint: TokenMint,
    readonly store: LockStore,
  ) {
    store.listen({
      granted: (grant) => void this.grants.push(grant),
      wanted: (token, queue) => void this.wanted.push({ token, queue }),
      revoked: (token) => void this.revoked.push(token),
      recheck: (token, inMs) => void this.rechecks.push({ token, inMs }),
      doubted: (token, key) => void this.doubts.push({ token, key }),
      unreachable: () => undefined,
      reconnected: () => void (this.reconnects += 1),
    });
  }

  get boot(): string {
    return this.mint.boot;
  }

  token({ ttl = 30_000, fences = 1, label = '', capacity = EXCLUSIVE } = {}): string {
    return this.mint.next(claimOf(ttl), fences, label, capacity);
  }

  /** One try that does not wait. */
  acquire(key: string, token: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> {
    const until = performance.now() + COMMAND_MS;
    return this.store.acquire({ key, token, ttl: 30_000, until, fences: 1, ...more });
  }

  /** Waits when the lock is busy. */
  queue(key: string, token: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> {
    return this.acquire(key, token, { queue: { callers: 1 }, ...more });
  }

  /** Takes a lock that is free. */
  async take(key: string, more: Partial<AcquireCommand> = {}): Promise<string> {
    const token = this.token({ ttl: more.ttl ?? 30_000 });
    const reply = await this.acquire(key, token, more);
    if (reply.kind !== 'held') throw new Error(`${key} was expected to be free: ${reply.kind}`);
    return token;
  }

  /** Gets a place in the queue of a busy lock. */
  async wait(
    key: string,
    more: Partial<AcquireCommand> = {},
    { fences = 1, ttl = 30_000 } = {},
  ): Promise<string> {
    const token = this.token({ fences, ttl });
    const reply = await this.queue(key, token, { ttl, fences, ...more });
    if (reply.kind !== 'queued') throw new Error(`${key} was expected to be busy: ${reply.kind}`);
    return token;
  }

  poll(key: string, token: string, until = performance.now() + COMMAND_MS): Promise<PollReply> {
    return this.store.poll({ key, token, until, callers: 1 });
  }

  async renew(key: string, token: string, more: Partial<RenewCommand> = {}): Promise<RenewReply> {
    const until = performance.now() + COMMAND_MS;
    const command = { key, token, ttl: 30_000, until, fences: 0, callers: 0, ...more };
    const [reply] = await this.store.renew([command]);
    if (reply === undefined) throw new Error('A renewal got no reply.');
    return reply;
  }

  release(key: string, token: string, minHoldLeft = 0): Promise<ReleaseReply> {
    return this.store.release({ key, token, minHoldLeft });
  }

  /** The push that tells that `token` has the lock. */
  granted(token: string): Promise<Grant> {
    return eventually(() => {
      const grant = this.grants.find((one) => one.token === token);
      if (grant === undefined) throw new Error('No grant was pushed.');
      return grant;
    });
  }
}
