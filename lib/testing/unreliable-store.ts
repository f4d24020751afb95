import { LockUnavailableError } from '../engine/api/errors.js';
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
import type { SetStore } from '../engine/store/set-store.js';
import type { StoredLock } from '../engine/store/stored-lock.js';
import type { MemoryLockStore } from '../memory/memory-lock.store.js';

const NODES = ['lock-testing'];

/** A store in memory that fails while a test wants it to, as one whose connection is refused. */
export class UnreliableStore implements LockStore {
  readonly sets: SetStore = {
    check: () => this.store.sets.check(),
    acquire: async (command) => {
      const keys = command.locks.map(({ key }) => key);
      return this.#reach(...keys).sets.acquire(command);
    },
  };
  #events: StoreEvents | undefined;
  #fault: Error | undefined;

  constructor(private readonly store: MemoryLockStore) {}

  fail(): void {
    this.#fault = new Error('A test has made the locks unavailable.');
    this.#events?.unreachable({ nodes: NODES, cause: this.#fault });
  }

  recover(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    this.#events?.reconnected();
  }

  listen(events: StoreEvents): void {
    this.#events = events;
    this.store.listen(events);
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    return this.#reach(command.key).acquire(command);
  }

  async poll(command: PollCommand): Promise<PollReply> {
    return this.#reach(command.key).poll(command);
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    return this.#reach(...commands.map(({ key }) => key)).renew(commands);
  }

  async release(command: ReleaseCommand): Promise<ReleaseReply> {
    return this.#reach(command.key).release(command);
  }

  async move(command: MoveCommand): Promise<MoveReply> {
    return this.#reach(command.key).move(command);
  }

  async revoke(key: string): Promise<boolean> {
    return this.#reach(key).revoke(key);
  }

  async inspect(key: string): Promise<StoredLock | null> {
    return this.#reach(key).inspect(key);
  }

  async queue(key: string): Promise<readonly StoredPlace[]> {
    return this.#reach(key).queue(key);
  }

  async *keys(match: string): AsyncIterable<readonly string[]> {
    yield* this.#reach().keys(match);
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  #reach(...keys: string[]): MemoryLockStore {
    if (this.#fault === undefined) return this.store;
    throw new LockUnavailableError(keys, 'there is no connection to Redis.', this.#fault, NODES);
  }
}
