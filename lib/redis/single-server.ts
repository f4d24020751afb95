import { GrantChannel } from './grant-channel.js';
import type { OwnClients } from './lock-connection.js';
import { LockKeys } from './lock-keys.js';
import type { LockCommand, LockServers, ServersListener } from './lock-servers.js';
import { prepareConnection } from './prepare-connection.js';
import { RedisConnection } from './redis-connection.js';
import type { Answer } from './redis-connection.js';
import { SentinelWatch } from './sentinel-watch.js';

/** One Redis endpoint: a server, or the primary that Sentinel names. */
export class SingleServer implements LockServers {
  readonly keys: LockKeys;
  readonly #commands: RedisConnection;
  readonly #channel: GrantChannel;
  readonly #sentinels: SentinelWatch;

  constructor(
    clients: OwnClients,
    options: {
      readonly keyPrefix: string;
      readonly commandTimeout: number;
      readonly boot: string;
    },
    listener: ServersListener,
  ) {
    const { commandTimeout, boot, keyPrefix } = options;
    this.keys = new LockKeys(clients.keyPrefix + keyPrefix);
    this.#commands = new RedisConnection(clients.commands, commandTimeout, {
      prepare: (client, time) => prepareConnection(client, time, 'single'),
      ready: () => {
        listener.reconnected();
        // What cut this connection may have left the other half open.
        this.#channel.check();
      },
    });
    const { channel } = this.keys.of('');
    this.#channel = new GrantChannel(
      clients.subscriber,
      channel + boot,
      commandTimeout,
      this.#commands,
      listener,
    );
    this.#sentinels = new SentinelWatch([clients.commands, clients.subscriber]);
  }

  run<T>({ script, key, keys, args }: LockCommand): Promise<Answer<T>> {
    return this.#commands.run(script, key, keys, args(this.#commands.time));
  }

  /** There is one channel for all locks, and it is asked again once it was out of reach. */
  hears(): boolean {
    return true;
  }

  async listenFor(): Promise<boolean> {
    return true;
  }

  async all(): Promise<readonly RedisConnection[]> {
    return [this.#commands];
  }

  close(): void {
    this.#sentinels.close();
    this.#channel.close();
    this.#commands.close();
  }
}
