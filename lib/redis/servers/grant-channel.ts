import type { Redis } from 'ioredis';
import type { ConnectionSettings } from '../client/connection-settings.js';
import type { RedisConnection } from '../client/redis-connection.js';
import { Subscription } from '../client/subscription.js';
import { deliver, type ServersListener } from './push-messages.js';

/** This process's subscription to its own channel, on a single server. */
export class GrantChannel {
  readonly #subscription: Subscription;

  /** @param commands Where commands go: a push counts by its clock when it is the same server. */
  constructor(
    client: Redis,
    channel: string,
    settings: ConnectionSettings,
    private readonly commands: RedisConnection,
    listener: ServersListener,
  ) {
    this.#subscription = new Subscription(client, settings, channel, {
      message: (text) => {
        const known = this.#subscription.connection.isAtServerOf(commands);
        deliver(text, known ? commands.time : undefined, listener);
      },
      subscribed: () => listener.reconnected(),
      troubled: (trouble) => listener.troubled?.(trouble),
    });
  }

  /** What cut the connection for commands may have left this one half open, or at another server. */
  check(): void {
    this.commands.dropOlderIfServersDiffer(this.#subscription.connection);
    this.#subscription.check();
  }

  close(): void {
    this.#subscription.close();
  }
}
