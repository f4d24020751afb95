import { LockConfigError } from '../../engine/api/errors.js';
import type { StoreEvents } from '../../engine/store/lock-store.js';
import type { OwnClients } from '../client/client-options.js';
import { every } from '../client/every.js';
import type { Answer, RedisConnection } from '../client/redis-connection.js';
import { faultOfMode, type ServerInfo } from '../client/server-info.js';
import { Subscription, WATCH_MS } from '../client/subscription.js';
import { LockKeys } from '../keys/lock-keys.js';
import type { LockCommand, LockServers, RedisStoreOptions } from './lock-servers.js';
import { PushMessages } from './push-messages.js';
import { ScriptRunner } from './script-runner.js';
import { Sentinels } from './sentinels.js';

/** One Redis endpoint: a server, or the primary that Sentinel names. */
export class SingleServer implements LockServers {
  readonly keys: LockKeys;
  /** What replicas must have is confirmed lock by lock. */
  readonly joint: boolean;
  readonly #scripts: ScriptRunner;
  readonly #pushes: PushMessages;
  /** This process's own channel. */
  readonly #channel: Subscription;
  readonly #sentinels: Sentinels;
  readonly #stopWatch: () => void;
  #probing: Promise<void> | undefined;

  constructor(clients: OwnClients, options: RedisStoreOptions) {
    const { boot, keyPrefix } = options;
    const settings = { ...options, login: clients.login };
    this.joint = options.replicas === undefined;
    this.keys = new LockKeys(clients.keyPrefix + keyPrefix);
    const pushes = (this.#pushes = new PushMessages(this.keys, !this.joint));
    this.#scripts = new ScriptRunner(clients.open, 'single', settings, {
      ready: () => {
        pushes.to?.reconnected();
        this.#check();
      },
      closed: () => pushes.to?.unreachable(this.#scripts.commands.trouble),
      troubled: (trouble) => pushes.to?.troubled?.(trouble),
    });
    const subscriber = clients.open();
    const channel = this.keys.of('').channel + boot;
    this.#channel = new Subscription(subscriber, settings, channel, {
      message: pushes.beside(this.#scripts.commands),
      subscribed: () => pushes.to?.reconnected(),
      troubled: (trouble) => pushes.to?.troubled?.(trouble),
    });
    this.#stopWatch = every(options.clock, WATCH_MS, () => this.#check());
    this.#sentinels = new Sentinels([...this.#scripts.clients, subscriber], options);
  }

  listen(events: StoreEvents): void {
    this.#pushes.to = events;
  }

  /** The server's address, for errors. */
  get address(): string {
    return this.#scripts.commands.node;
  }

  /** Whether commands can be sent. */
  get isReady(): boolean {
    return this.#scripts.commands.server !== undefined;
  }

  /** Who it is; another object for each connection, `undefined` as long as it is not known. */
  get server(): ServerInfo | undefined {
    return this.#scripts.server;
  }

  /** Tests the connection, once at a time: one on which nothing comes is torn down. */
  probe(): Promise<void> {
    const { commands } = this.#scripts;
    return (this.#probing ??= commands.probe().finally(() => (this.#probing = undefined)));
  }

  run<T>(command: LockCommand): Promise<Answer<T>> {
    return this.#scripts.run(command);
  }

  /** There is one channel for all locks, and it is asked again once it was out of reach. */
  hears(): boolean {
    return true;
  }

  async listenFor(): Promise<boolean> {
    return true;
  }

  async all(): Promise<readonly RedisConnection[]> {
    const { commands } = this.#scripts;
    await commands.send('', (client) => client.ping());
    // Keys are found on any node of a Cluster, and those of the others would be missing.
    const fault = commands.server && faultOfMode(commands.server, commands.node);
    if (fault !== undefined) throw new LockConfigError([fault]);
    return [commands];
  }

  close(): void {
    this.#pushes.to = undefined;
    this.#stopWatch();
    this.#sentinels.close();
    this.#channel.close();
    this.#scripts.close();
  }

  #check(): void {
    this.#scripts.check();
    // What cut the connection for commands may have left this one half open, or at another server.
    this.#scripts.commands.dropOlderIfServersDiffer(this.#channel.connection);
    this.#channel.check();
  }
}
