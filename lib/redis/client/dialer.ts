import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../engine/time/clock.js';
import { MAX_RECONNECT_MS } from './client-options.js';
import type { ConnectionSettings } from './connection-settings.js';
import { LoginReader } from './login.js';

/** Connects a client, and again where it would not do so by itself, until it is closed. */
export class Dialer {
  readonly #clock: Clock;
  #nextTry: Timer | undefined;
  #closed = false;

  /**
   * @param client One that has not begun to connect.
   * @param failed Why there was nothing to log in with.
   */
  constructor(
    private readonly client: Redis,
    { clock, commandTimeout, login }: ConnectionSettings,
    private readonly failed: (error: Error) => void,
  ) {
    this.#clock = clock;
    client.on('close', () => clock.cancel(this.#nextTry));
    // A client gives up for good when it fails before it has a socket.
    client.on('end', () => this.#dialLater());
    if (login === undefined) return;
    const reader = new LoginReader(login, Math.max(commandTimeout, 1000), clock);
    const connect = client.connect.bind(client);
    // The client connects by itself, too, when it has lost its connection.
    client.connect = () => this.#logIn(reader).then(() => connect());
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  dial(): void {
    // What fails is told by events.
    this.client.connect().catch(() => {});
  }

  /** Leaves a server that is of no use; not sooner than a connection that began at `since` may end. */
  leave(since: number): void {
    this.#later(since + MAX_RECONNECT_MS, () => this.client.stream.destroy());
  }

  close(): void {
    this.#closed = true;
    this.#clock.cancel(this.#nextTry);
    this.client.disconnect();
  }

  async #logIn(reader: LoginReader): Promise<void> {
    try {
      const { username, password } = await reader.read();
      Object.assign(this.client.options, { username, password });
    } catch (error) {
      this.failed(error as Error);
      this.#dialLater();
      throw error;
    }
    if (this.#closed) throw new Error('The connection was closed.');
  }

  #dialLater(): void {
    this.#later(this.#clock.now() + MAX_RECONNECT_MS, () => this.dial());
  }

  #later(moment: number, task: () => void): void {
    this.#clock.cancel(this.#nextTry);
    if (this.#closed) return;
    this.#nextTry = this.#clock.after(moment - this.#clock.now(), task);
  }
}
