import type { StoreTrouble } from '../../engine/store/lock-store.js';
import type { Timer } from '../../engine/time/clock.js';
import { every } from '../client/every.js';
import type { ConnectionSettings } from '../client/connection-settings.js';
import { troubleOf } from '../client/redis-errors.js';
import { WATCH_MS } from '../client/subscription.js';
import type { KeysOfLock } from '../keys/lock-keys.js';
import { causeOf, readRedirection } from './cluster-layout.js';
import type { ClusterNode } from './cluster-node.js';
import type { ClusterTopology } from './cluster-topology.js';

/** A subscription outlives its last use by this long: who waits uses it every 2.5 s at least. */
const IDLE_MS = 15_000;
/** Above this number the idle ones go as early as they can. */
const MANY = 1000;
const MANY_IDLE_MS = 6000;
/** Owners that a subscription goes after at once. */
const MAX_TRIES = 3;

interface ShardedChannel {
  readonly name: string;
  readonly slot: number;
  /** Where it is subscribed, or was last. */
  node: ClusterNode | undefined;
  subscribed: boolean;
  joining: Promise<boolean> | undefined;
  usedAt: number;
}

/** This process's subscriptions in a Cluster: one for each key that it waits for, at the key's node. */
export class ShardedChannels {
  readonly #channels = new Map<string, ShardedChannel>();
  readonly #stopTending: () => void;

  constructor(
    private readonly topology: ClusterTopology,
    private readonly boot: string,
    private readonly settings: ConnectionSettings,
    private readonly hooks: {
      /** Subscribed anew: messages may have been missed before. */
      readonly missed: () => void;
      /** A node refuses a subscription. */
      readonly troubled: (trouble: StoreTrouble) => void;
    },
  ) {
    this.#stopTending = every(settings.clock, WATCH_MS, () => this.#onTend());
  }

  hears(place: KeysOfLock): boolean {
    const channel = this.#channels.get(place.channel);
    if (channel === undefined) return false;
    channel.usedAt = this.settings.clock.now();
    if (!channel.subscribed && channel.joining === undefined) void this.#rejoin([channel]);
    return channel.subscribed;
  }

  async listenFor({ channel: prefix, slot }: KeysOfLock): Promise<boolean> {
    let channel = this.#channels.get(prefix);
    if (channel === undefined) {
      const name = prefix + this.boot;
      channel = { name, slot, node: undefined, subscribed: false, joining: undefined, usedAt: 0 };
      this.#channels.set(prefix, channel);
    }
    channel.usedAt = this.settings.clock.now();
    if (channel.subscribed) return true;
    const { clock, commandTimeout } = this.settings;
    let timer: Timer | undefined;
    const late = new Promise<false>((resolve) => {
      timer = clock.after(commandTimeout / 2, () => resolve(false));
    });
    const joined = await Promise.race([this.#join(channel), late]);
    clock.cancel(timer);
    return joined;
  }

  /** Slots have other owners: goes after them. */
  follow(): void {
    const astray = [...this.#channels.values()].filter(
      ({ node, slot }) => node !== undefined && node !== this.topology.ownerOf(slot),
    );
    for (const channel of astray) this.#leave(channel);
    void this.#rejoin(astray);
  }

  /** The node's subscriber is connected. */
  restore(node: ClusterNode): void {
    void this.#rejoin([...this.#channels.values()].filter((channel) => channel.node === node));
  }

  /** The node's subscriber has lost its connection. */
  lose(node: ClusterNode): void {
    for (const channel of this.#channels.values()) {
      if (channel.node === node) channel.subscribed = false;
    }
  }

  close(): void {
    this.#stopTending();
    this.#channels.clear();
  }

  async #rejoin(channels: readonly ShardedChannel[]): Promise<void> {
    const lost = channels.filter(({ subscribed, joining }) => !subscribed && joining === undefined);
    const joined = await Promise.all(lost.map((channel) => this.#join(channel)));
    if (joined.includes(true)) this.hooks.missed();
  }

  #join(channel: ShardedChannel): Promise<boolean> {
    channel.joining ??= this.#subscribe(channel).finally(() => (channel.joining = undefined));
    return channel.joining;
  }

  async #subscribe(channel: ShardedChannel): Promise<boolean> {
    const { name, slot } = channel;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const node = (channel.node = this.topology.ownerOf(slot));
      if (node === undefined) return false;
      try {
        await node.subscriber.send('', (client) => client.ssubscribe(name));
        channel.subscribed = true;
        if (this.topology.ownerOf(slot) === node) return true;
        this.#leave(channel);
      } catch (error) {
        const redirection = readRedirection(causeOf(error), node.name);
        if (redirection?.kind === 'moved') this.topology.moved(slot, redirection.node);
        if (this.topology.ownerOf(slot) !== node) continue;
        const trouble = redirection === undefined ? troubleOf(error) : undefined;
        if (trouble !== undefined) this.hooks.troubled(trouble);
        return false;
      }
    }
    return false;
  }

  #leave(channel: ShardedChannel): void {
    const { name, node, subscribed } = channel;
    channel.subscribed = false;
    if (node === undefined || !subscribed) return;
    node.subscriber.send('', (client) => client.sunsubscribe(name)).catch(() => undefined);
  }

  #onTend(): void {
    for (const node of this.topology.nodes) node.ping();
    const idleFor = this.#channels.size > MANY ? MANY_IDLE_MS : IDLE_MS;
    const usedBefore = this.settings.clock.now() - idleFor;
    for (const [prefix, channel] of this.#channels) {
      if (channel.usedAt >= usedBefore || channel.joining !== undefined) continue;
      this.#leave(channel);
      this.#channels.delete(prefix);
    }
  }
}
