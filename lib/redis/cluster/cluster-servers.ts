import { LockConfigError, LockUnavailableError } from '../../engine/api/errors.js';
import { NotAppliedError, type StoreEvents } from '../../engine/store/lock-store.js';
import type { Answer, RedisConnection } from '../client/redis-connection.js';
import { type KeysOfLock, LockKeys } from '../keys/lock-keys.js';
import type { LockCommand, LockServers, RedisStoreOptions } from '../servers/lock-servers.js';
import { PushMessages } from '../servers/push-messages.js';
import type { ClusterClients } from './cluster-clients.js';
import { causeOf, readRedirection } from './cluster-layout.js';
import type { ClusterNode } from './cluster-node.js';
import { ClusterTopology } from './cluster-topology.js';
import { ShardedChannels } from './sharded-channels.js';

/** Redirections that are followed at once; more mean that the nodes do not agree yet. */
const PROMPT_HOPS = 5;
const PAUSE_MS = 40;

/** A Redis Cluster: each lock in its slot, on the node that owns it. */
export class ClusterServers implements LockServers {
  readonly keys: LockKeys;
  readonly joint = false;
  readonly #pushes: PushMessages;
  readonly #topology: ClusterTopology;
  readonly #channels: ShardedChannels;

  constructor(
    clients: ClusterClients,
    private readonly options: RedisStoreOptions,
  ) {
    const { boot, keyPrefix } = options;
    this.keys = new LockKeys(clients.keyPrefix + keyPrefix, true);
    const pushes = (this.#pushes = new PushMessages(this.keys, options.replicas !== undefined));
    this.#topology = new ClusterTopology(
      clients,
      { ...options, login: clients.login },
      {
        ready: () => pushes.to?.reconnected(),
        changed: () => {
          this.#channels.follow();
          pushes.to?.reconnected();
        },
        subscriberReady: (node) => this.#channels.restore(node),
        subscriberClosed: (node) => this.#channels.lose(node),
        unsubscribed: (node) => {
          this.#channels.lose(node);
          void this.#topology.refresh().then(() => this.#channels.restore(node));
        },
        pushes,
        troubled: (trouble) => pushes.to?.troubled?.(trouble),
        unreachable: (trouble) => pushes.to?.unreachable(trouble),
      },
    );
    this.#channels = new ShardedChannels(this.#topology, boot, options, {
      missed: () => pushes.to?.reconnected(),
      troubled: (trouble) => pushes.to?.troubled?.(trouble),
    });
  }

  listen(events: StoreEvents): void {
    this.#pushes.to = events;
  }

  /** Follows the slot to where it is; one node has `commandTimeout` to answer, and no new one is asked after that. */
  async run<T>(command: LockCommand): Promise<Answer<T>> {
    const { key, place } = command;
    const { clock, commandTimeout } = this.options;
    const giveUpAt = clock.now() + commandTimeout;
    let importing: ClusterNode | undefined;
    let sent = command;
    for (let hops = 1; ; hops += 1) {
      const node = importing ?? (await this.#locate(key, place));
      try {
        return await node.scripts.run<T>(sent, importing !== undefined);
      } catch (error) {
        const needsHolders = sent !== command && error instanceof LockConfigError;
        if (clock.now() >= giveUpAt || this.#topology.isClosed)
          throw needsHolders ? onItsWay(key, node.name) : error;
        const next = needsHolders
          ? undefined
          : await this.#redirected(error as Error, node, place.slot, hops);
        if (needsHolders) sent = command;
        else if (isTryAgain(error as Error, node.name)) sent = withoutHolders(command);
        importing = next;
      }
    }
  }

  hears(place: KeysOfLock): boolean {
    return this.#channels.hears(place);
  }

  listenFor(place: KeysOfLock): Promise<boolean> {
    return this.#channels.listenFor(place);
  }

  async all(): Promise<readonly RedisConnection[]> {
    await this.#topology.refresh();
    if (this.#topology.owners().length === 0) throw this.#topology.whyUnknown('');
    return this.#topology.owners().map(({ commands }) => commands);
  }

  close(): void {
    this.#pushes.to = undefined;
    this.#channels.close();
    this.#topology.close();
  }

  async #locate(key: string, { slot }: KeysOfLock): Promise<ClusterNode> {
    const known = this.#topology.ownerOf(slot);
    if (known !== undefined) return known;
    await this.#topology.refresh();
    const found = this.#topology.ownerOf(slot);
    if (found !== undefined) return found;
    throw this.#topology.whyUnknown(key);
  }

  /** Where to try next: the node that is about to get the slot, or its owner; throws when it is over. */
  async #redirected(
    error: Error,
    node: ClusterNode,
    slot: number,
    hops: number,
  ): Promise<ClusterNode | undefined> {
    const redirection = readRedirection(causeOf(error), node.name);
    if (redirection === undefined) {
      void this.#topology.refresh();
      // Not sent, and the slot is elsewhere by now.
      const elsewhere = this.#topology.ownerOf(slot) !== node;
      if (error instanceof NotAppliedError && elsewhere) return undefined;
      throw error;
    }
    if (redirection.kind === 'moved') this.#topology.moved(slot, redirection.node);
    if (redirection.kind === 'down') void this.#topology.refresh();
    const prompt = redirection.kind === 'moved' || redirection.kind === 'ask';
    if (!prompt || hops > PROMPT_HOPS)
      await new Promise<void>((resolve) => this.options.clock.after(PAUSE_MS, resolve));
    return redirection.kind === 'ask' ? this.#topology.nodeAt(redirection.node) : undefined;
  }
}

/** The slot is being moved, and the command needs a key that is not where the others are. */
function onItsWay(key: string, node: string): LockUnavailableError {
  return new LockUnavailableError([key], 'its slot is being moved.', undefined, [node]);
}

/** Whether a key of the command is missing in a slot that is being moved. */
function isTryAgain(error: Error, node: string): boolean {
  return readRedirection(causeOf(error), node)?.kind === 'wait';
}

/**
 * A command that does not name the key of several holders. A node that is giving its slot away refuses a
 * script as soon as one of its keys is not there, and a lock that is held by one never has that key. A
 * script that needs it all the same fails at the counter, which stands in its place and is no set: before
 * it has changed who holds the lock, and whatever it does with `holders` first must fail there.
 */
function withoutHolders(command: LockCommand): LockCommand {
  const { holders, counter } = command.place;
  return { ...command, keys: command.keys.map((key) => (key === holders ? counter : key)) };
}
