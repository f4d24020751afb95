import type { Redis } from 'ioredis';
import type { StoreTrouble } from '../../engine/store/lock-store.js';
import type { ConnectionSettings } from './connection-settings.js';
import { troubleOf } from './redis-errors.js';
import { RedisConnection } from './redis-connection.js';

/** How often a subscription is checked, in milliseconds: a half-open socket delivers nothing. */
export const WATCH_MS = 5000;

/** What a subscription tells. */
export interface SubscriptionHooks {
  readonly message: (text: string, by: RedisConnection) => void;
  /** The subscription stands, on a new connection. */
  readonly subscribed?: () => void;
  /** There is no connection for it, or it was refused. */
  readonly troubled?: ((trouble: StoreTrouble) => void) | undefined;
  /** Goes out with the subscription, before it: behind it a connection takes no other command. */
  readonly ask?: (connection: RedisConnection) => void;
}

/** One channel on a connection of its own, subscribed again with each new connection. */
export class Subscription {
  readonly connection: RedisConnection;
  #stands = false;

  constructor(
    client: Redis,
    settings: ConnectionSettings,
    private readonly channel: string,
    private readonly hooks: SubscriptionHooks,
  ) {
    // Sent again by the client, a subscription would go first and let nothing else through behind it.
    client.options.autoResendUnfulfilledCommands = false;
    this.connection = new RedisConnection(client, settings, {
      ready: () => void this.#subscribe(),
      closed: () => (this.#stands = false),
      troubled: hooks.troubled,
    });
    client.on('message', (_channel: string, text: string) => hooks.message(text, this.connection));
  }

  /** Tests the socket, and tears it down when it is half open; subscribes when that was refused. */
  check(): void {
    if (!this.#stands) void this.#subscribe();
    else void this.connection.probe();
  }

  close(): void {
    this.connection.close();
  }

  async #subscribe(): Promise<void> {
    this.hooks.ask?.(this.connection);
    try {
      await this.connection.send('', (client) => client.subscribe(this.channel));
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble !== undefined) this.hooks.troubled?.(trouble);
      // Tried again with the next connection, or later when the server refused.
      return;
    }
    this.#stands = true;
    this.hooks.subscribed?.();
  }
}
