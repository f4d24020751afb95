import { LockUnavailableError } from '../../engine/api/errors.js';
import { NotAppliedError, type StoreEvents } from '../../engine/store/lock-store.js';
import { ReleaseRetrier } from '../../engine/store/release-retrier.js';
import type { Clock } from '../../engine/time/clock.js';
import type { ServerInfo } from '../client/server-info.js';
import type { LinkedStore, NodeLink, NodeStore } from '../store/node-store.js';

/** One of the independent servers of a quorum: its store, whether it answers, and who it is. */
export class QuorumNode {
  readonly store: NodeStore;
  /** Who it is, as it has told last; two nodes with one name are one server. */
  server: ServerInfo | undefined;
  /** Whether it was another process when we first met it. */
  hasRestarted = false;
  /** Whether there was a first contact, good or bad. */
  isContacted = false;
  /** Releases, each repeated while the server has not heard: it must not be given a vote before. */
  readonly releases: ReleaseRetrier;
  readonly link: NodeLink;
  /** Commands of tokens to it that have no answer yet, or wait for that of an earlier one. */
  readonly underway = new Set<Promise<void>>();
  #isUp = false;
  #suspect = false;

  /** @param events Told of everything but that it can't be reached: the others may make a majority. */
  constructor(
    { store, link }: LinkedStore,
    clock: Clock,
    private readonly events: Omit<StoreEvents, 'unreachable'>,
  ) {
    this.store = store;
    this.link = link;
    this.releases = new ReleaseRetrier(
      { release: (command) => this.call(command.key, () => store.release(command)) },
      clock,
    );
    store.listen({
      ...events,
      unreachable: (trouble) => {
        events.troubled?.(trouble);
        this.#closed();
      },
      reconnected: () => this.#connected(),
    });
  }

  /** Whether an answer can be expected; else nobody waits for it. */
  get isAwaited(): boolean {
    return this.link.isReady && !this.#suspect;
  }

  /** Makes one attempt. A node without connection refuses at once. */
  async call<T>(key: string, command: (store: NodeStore) => Promise<T>): Promise<T> {
    if (!this.link.isReady) {
      // Tears down a connection on which the server's greeting never comes.
      void this.link.probe();
      const why = 'there is no connection to Redis.';
      throw new NotAppliedError([key], why, undefined, [this.link.address]);
    }
    try {
      const reply = await command(this.store);
      this.#suspect = false;
      this.releases.heard();
      return reply;
    } catch (error) {
      this.#suspect = error instanceof LockUnavailableError && !(error instanceof NotAppliedError);
      throw error;
    }
  }

  /**
   * Makes one attempt to get its vote. The giver must be the server that we have met, on the very connection of the
   * answer: after a cut the client sends a command again, perhaps to a server that has just lost its data.
   */
  vote<T extends { readonly kind: string }>(
    key: string,
    command: (store: NodeStore) => Promise<T>,
  ): Promise<T> {
    return this.call(key, async (store) => {
      const { server } = this.link;
      const reply = await command(store);
      const isMet = server?.runId !== undefined && server === this.server;
      if (reply.kind !== 'held' || (isMet && server === this.link.server)) return reply;
      const why = 'it is not certain which server has answered.';
      throw new LockUnavailableError([key], why, undefined, [this.link.address]);
    });
  }

  /** Commands or pushes come anew. */
  #connected(): void {
    this.#isUp = true;
    const { server } = this.link;
    if (this.server?.runId !== undefined && server?.runId !== undefined)
      this.hasRestarted ||= server.runId !== this.server.runId;
    // A connection that broke as it was asked has told nothing.
    if (server?.runId !== undefined || server?.fault !== undefined) this.server = server;
    this.isContacted ||= this.link.isReady;
    this.events.reconnected();
    if (this.link.isReady) this.releases.retry();
  }

  /** Whoever waits for a push of this node must look elsewhere; another failed try to connect tells nothing new. */
  #closed(): void {
    const isNews = this.#isUp || !this.isContacted;
    this.#isUp = false;
    this.isContacted = true;
    if (isNews) this.events.reconnected();
  }
}
