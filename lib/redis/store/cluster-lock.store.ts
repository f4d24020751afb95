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
} from '../../engine/store/lock-store.js';
import type { StoredPlace } from '../../engine/store/lock-queue.js';
import type { MoveCommand, MoveReply } from '../../engine/store/move.js';
import type { SetStore } from '../../engine/store/set-store.js';
import type { StoredLock } from '../../engine/store/stored-lock.js';
import { bootOf } from '../../engine/store/token.js';
import type { Clock, Timer } from '../../engine/time/clock.js';
import type { LockServers } from '../servers/lock-servers.js';
import type { RedisLockStore } from './redis-lock.store.js';

/** Holders that are through sooner need no subscription, which costs as much as the lock itself. */
const WORTH_MS = 50;
/** How often a subscription is used on behalf of a holder, so that it does not count as idle. */
const USE_MS = 2500;

interface Holder {
  /** When its lease ends, at the latest. */
  until: number;
  readonly timer: Timer;
}

/**
 * Locks in a Cluster, where each key has a channel of its own. Whoever holds a lock for a while listens
 * there, as whoever waits does: else nobody could tell it that the lock was taken from it, or is wanted.
 */
export class ClusterLockStore implements LockStore {
  readonly #holders = new Map<string, Holder>();
  #isListening = false;

  constructor(
    private readonly store: RedisLockStore,
    private readonly servers: LockServers,
    private readonly clock: Clock,
    /** The beginning of the tokens that this process holds locks by. */
    private readonly boot: string,
  ) {}

  readonly sets: SetStore = {
    check: (keys) => this.store.sets.check(keys),
    acquire: async (command) => {
      const reply = await this.store.sets.acquire(command);
      if (reply.kind === 'held') for (const lock of command.locks) this.#holds(lock, command.ttl);
      return reply;
    },
  };

  listen(events: StoreEvents): void {
    this.#isListening = true;
    this.store.listen(events);
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    const reply = await this.store.acquire(command);
    if (command.yields !== undefined) this.#ended(command.yields);
    if (reply.kind === 'held') this.#holds(command, reply.lease);
    return reply;
  }

  async poll(command: PollCommand): Promise<PollReply> {
    const reply = await this.store.poll(command);
    if (reply.kind === 'held') this.#holds(command, reply.lease);
    return reply;
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const replies = await this.store.renew(commands);
    for (const [i, command] of commands.entries()) {
      const kind = replies[i]?.kind;
      if (kind === 'held') this.#holds(command, command.ttl);
      else if (kind === 'lost') this.#ended(command.token);
    }
    return replies;
  }

  release(command: ReleaseCommand): Promise<ReleaseReply> {
    this.#ended(command.token);
    return this.store.release(command);
  }

  async move(command: MoveCommand): Promise<MoveReply> {
    const { key, from, to, ttl, beside } = command;
    if (!beside) this.#ended(from);
    const reply = await this.store.move(command);
    if (reply.kind === 'held' && bootOf(to) === this.boot) this.#holds({ key, token: to }, ttl);
    return reply;
  }

  revoke(key: string): Promise<boolean> {
    return this.store.revoke(key);
  }

  inspect(key: string): Promise<StoredLock | null> {
    return this.store.inspect(key);
  }

  queue(key: string): Promise<readonly StoredPlace[]> {
    return this.store.queue(key);
  }

  keys(match: string): AsyncIterable<readonly string[]> {
    return this.store.keys(match);
  }

  close(): Promise<void> {
    this.#isListening = false;
    for (const { timer } of this.#holders.values()) this.clock.cancel(timer);
    this.#holders.clear();
    return this.store.close();
  }

  #holds({ key, token }: { readonly key: string; readonly token: string }, lease: number): void {
    if (!this.#isListening) return;
    const until = this.clock.now() + lease;
    const known = this.#holders.get(token);
    if (known === undefined) this.#hearLater(key, token, WORTH_MS, until);
    else known.until = Math.max(known.until, until);
  }

  #ended(token: string): void {
    this.clock.cancel(this.#holders.get(token)?.timer);
    this.#holders.delete(token);
  }

  #hearLater(key: string, token: string, ms: number, until: number): void {
    const hear = (): void => {
      this.#holders.delete(token);
      // Answered after it was given up: nobody will end it.
      if (this.clock.now() > holder.until) return;
      this.#hearLater(key, token, USE_MS, holder.until);
      const place = this.servers.keys.of(key);
      if (!this.servers.hears(place)) void this.servers.listenFor(place);
    };
    const holder: Holder = { until, timer: this.clock.after(ms, hear, 'observer') };
    this.#holders.set(token, holder);
  }
}
