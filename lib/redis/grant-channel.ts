import type { Redis } from 'ioredis';
import type { RedisTime } from '../engine/lease.js';
import { deliver } from './grant-message.js';
import type { ServersListener } from './lock-servers.js';
import { RedisConnection } from './redis-connection.js';

/** How often subscriptions are looked after, in milliseconds: a half-open socket delivers nothing. */
export const WATCH_MS = 5000;

/** This process's subscription to its own channel, on a single server. */
export class GrantChannel {
  readonly #connection: RedisConnection;
  readonly #watch: NodeJS.Timeout;
  #subscribed = false;

  constructor(
    client: Redis,
    private readonly channel: string,
    commandTimeout: number,
    /** Where commands go: a push counts by its clock when it is the same server. */
    private readonly commands: RedisConnection,
    private readonly listener: ServersListener,
  ) {
    this.#connection = new RedisConnection(client, commandTimeout, {
      ready: () => void this.#subscribe(),
      closed: () => (this.#subscribed = false),
    });
    client.on('message', (_channel: string, message: string) =>
      deliver(message, this.#time, listener),
    );
    this.#watch = setInterval(() => this.check(), WATCH_MS).unref();
  }

  /** Tests the socket, and tears it down when it is half open; subscribes when that was refused. */
  check(): void {
    if (!this.#subscribed) void this.#subscribe();
    else this.#connection.send('', (own) => own.ping()).catch(() => undefined);
  }

  close(): void {
    clearInterval(this.#watch);
    this.#connection.close();
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#connection.send('', (client) => client.subscribe(this.channel));
    } catch {
      // Tried again with the next connection, or later when the server refused.
      return;
    }
    this.#subscribed = true;
    this.listener.reconnected();
  }

  get #time(): RedisTime | undefined {
    return this.#connection.isAtServerOf(this.commands) ? this.commands.time : undefined;
  }
}
