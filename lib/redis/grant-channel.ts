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

/** How often the subscriber's socket is tested, in milliseconds: a half-open one delivers nothing. */
const PING_MS = 5000;

/** This process's subscription to its own channel. */
export class GrantChannel {
  readonly #connection: RedisConnection;
  readonly #ping: NodeJS.Timeout;
  readonly #waiting = new Set<() => void>();
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
    this.#ping = setInterval(() => {
      if (this.#subscribed) this.#connection.send('', (own) => own.ping()).catch(() => undefined);
    }, PING_MS).unref();
  }

  get isSubscribed(): boolean {
    return this.#subscribed;
  }

  /** Resolves when subscribed, or after `timeout` ms all the same: polls find what pushes can't tell. */
  async subscribed(timeout: number): Promise<void> {
    if (this.#subscribed) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeout);
      this.#waiting.add(wake);
    });
  }

  close(): void {
    clearInterval(this.#ping);
    this.#connection.close();
    this.#wake();
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#connection.send('', (client) => client.subscribe(this.channel));
    } catch {
      // Torn down when nothing arrived, and subscribed again when it is back.
      return;
    }
    this.#subscribed = true;
    this.#wake();
    this.listener.subscribed();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
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
