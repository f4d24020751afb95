import type { Redis } from 'ioredis';
import type { StoreListener } from '../engine/lock-store.js';
import { readGrant } from './grant-message.js';
import type { GrantMessage } from './grant-message.js';
import { RedisConnection } from './redis-connection.js';

/** What the channel tells. */
export interface ChannelListener extends Pick<StoreListener, 'wanted' | 'revoked' | 'recheck'> {
  granted(message: GrantMessage): void;
  /** Subscribed anew: messages may have been missed before. */
  subscribed(): void;
}

/** How often the subscription is looked after, in milliseconds: a half-open socket delivers nothing. */
const WATCH_MS = 5000;

/** This process's subscription to its own channel. */
export class GrantChannel {
  readonly #connection: RedisConnection;
  readonly #watch: NodeJS.Timeout;
  #subscribed = false;

  constructor(
    client: Redis,
    private readonly channel: string,
    commandTimeout: number,
    private readonly listener: ChannelListener,
  ) {
    this.#connection = new RedisConnection(client, commandTimeout, {
      ready: () => void this.#subscribe(),
      closed: () => (this.#subscribed = false),
    });
    client.on('message', (_channel: string, message: string) => this.#receive(message));
    this.#watch = setInterval(() => {
      if (!this.#subscribed) void this.#subscribe();
      else this.#connection.send('', (own) => own.ping()).catch(() => undefined);
    }, WATCH_MS).unref();
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
    this.listener.subscribed();
  }

  #receive(message: string): void {
    const grant = readGrant(message);
    if (grant !== undefined) return this.listener.granted(grant);
    const [, kind, amount, token = ''] =
      /^(wanted|revoked|recheck) (\d+) (\S+) /.exec(message) ?? [];
    if (kind === 'wanted') this.listener.wanted(token, Number(amount));
    else if (kind === 'revoked') this.listener.revoked(token);
    else if (kind === 'recheck') this.listener.recheck(token, Number(amount));
  }
}
