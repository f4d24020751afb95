import { LockUnavailableError } from '../../engine/api/errors.js';
import {
  NotAppliedError,
  type ReleaseCommand,
  type ReleaseReply,
  type StoreEvents,
} from '../../engine/store/lock-store.js';
import { ReleaseRetrier } from '../../engine/store/release-retrier.js';
import type { Clock } from '../../engine/time/clock.js';
import { ReadyWaiters } from '../client/ready-waiters.js';
import type { ServerInfo } from '../client/server-info.js';
import type { LinkedStore, NodeLink, NodeStore } from '../store/node-store.js';

/** What a node tells unasked. */
export interface NodeEvents extends Omit<StoreEvents, 'unreachable'> {
  /** It has told who it is, after each connect. */
  identified(): void;
}

/** One of the independent servers of a quorum: its store, whether it answers, and who it is. */
export class QuorumNode {
  readonly store: NodeStore;
  /** Settles at the first contact, good or bad. */
  readonly contact: Promise<void>;
  /** Who it is, as it has told last; two nodes with one name are one server. */
  server: ServerInfo | undefined;
  /** Whether it was another process when we first met it. */
  hasRestarted = false;
  #settle: () => void = () => undefined;
  readonly #link: NodeLink;
  readonly #releases: ReleaseRetrier;
  readonly #waiting: ReadyWaiters;
  #contacted = false;
  #isUp = false;
  #suspect = false;
  #probing = false;

  constructor(
    { store, link }: LinkedStore,
    { clock, commandTimeout }: { readonly clock: Clock; readonly commandTimeout: number },
    private readonly events: NodeEvents,
  ) {
    this.store = store;
    this.#link = link;
    this.#waiting = new ReadyWaiters(clock);
    const release = (command: ReleaseCommand): Promise<ReleaseReply> =>
      this.call(command.key, () => store.release(command));
    this.#releases = new ReleaseRetrier({ release }, clock);
    const timer = clock.after(commandTimeout, () => this.#settle(), 'observer');
    this.contact = new Promise((resolve) => {
      this.#settle = () => {
        this.#contacted = true;
        clock.cancel(timer);
        resolve();
      };
    });
    store.listen({
      ...events,
      // The others may make a majority without it.
      unreachable: (trouble) => {
        events.troubled?.(trouble);
        this.#closed();
      },
      reconnected: () => this.#connected(),
    });
  }

  /** The server's address, for errors. */
  get address(): string {
    return this.#link.address;
  }

  get isReady(): boolean {
    return this.#link.isReady;
  }

  /** Whether an answer can be expected; else nobody waits for it. */
  get isAwaited(): boolean {
    return this.isReady ? !this.#suspect : !this.#contacted;
  }

  /** Resolves when connected, or after `timeout` ms all the same. */
  async ready(timeout: number): Promise<void> {
    if (this.isReady) return;
    await this.#waiting.wait(timeout);
  }

  /** Makes one attempt. A node without connection refuses at once, but for its first contact. */
  async call<T>(key: string, command: (store: NodeStore) => Promise<T>): Promise<T> {
    if (!this.#contacted) await this.contact;
    if (!this.isReady) {
      this.#probe();
      throw new NotAppliedError([key], 'there is no connection to Redis.', undefined, [
        this.address,
      ]);
    }
    try {
      const reply = await command(this.store);
      this.#suspect = false;
      // It hears again, though its connection was never cut.
      this.#releases.heard();
      return reply;
    } catch (error) {
      this.#suspect = error instanceof LockUnavailableError && !(error instanceof NotAppliedError);
      throw error;
    }
  }

  /**
   * Makes one attempt to get its vote. Whoever gives it must have said who it is, on the very connection
   * that it answered by: after a cut the client sends a command again, perhaps to a server that has
   * just lost its data and has not been asked yet.
   */
  vote<T extends { readonly kind: string }>(
    key: string,
    command: (store: NodeStore) => Promise<T>,
  ): Promise<T> {
    return this.call(key, async (store) => {
      const { server } = this.#link;
      const reply = await command(store);
      if (reply.kind !== 'held' || (server?.runId !== undefined && server === this.#link.server))
        return reply;
      const why = 'it is not certain which server has answered.';
      throw new LockUnavailableError([key], why, undefined, [this.address]);
    });
  }

  /** Makes one attempt; it is repeated when the server has not heard, or may have not. */
  release(command: ReleaseCommand, ttl: number): Promise<ReleaseReply> {
    return this.#releases.release(command, ttl);
  }

  /** Whether a release of `token` is to be repeated: it must not be given a vote before. */
  owes(token: string): boolean {
    return this.#releases.owes(token);
  }

  async close(): Promise<void> {
    this.#settle();
    this.#releases.close();
    this.#waiting.wake();
    await this.store.close();
  }

  /** Commands or pushes come anew. */
  #connected(): void {
    this.#isUp = true;
    const { server } = this.#link;
    if (this.server?.runId !== undefined && server?.runId !== undefined)
      this.hasRestarted ||= server.runId !== this.server.runId;
    // A connection that broke as it was asked has told nothing.
    if (server?.runId !== undefined || server?.fault !== undefined) this.server = server;
    this.events.identified();
    if (this.isReady) {
      this.#settle();
      this.#waiting.wake();
      this.#releases.retry();
    }
    this.events.reconnected();
  }

  /** Whoever waits for a push of this node must look elsewhere; a failed try to connect tells nothing new. */
  #closed(): void {
    this.#settle();
    if (this.#isUp) this.events.reconnected();
    this.#isUp = false;
  }

  /** Tears down a connection on which the server's greeting never comes. */
  #probe(): void {
    if (this.#probing) return;
    this.#probing = true;
    void this.#link.probe().finally(() => (this.#probing = false));
  }
}
