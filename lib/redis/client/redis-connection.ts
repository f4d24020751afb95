import type { Redis } from 'ioredis';
import { LockUnavailableError } from '../../engine/api/errors.js';
import { NotAppliedError, type StoreTrouble } from '../../engine/store/lock-store.js';
import { placeOf } from './client-options.js';
import { CommandTimeouts } from './command-timeouts.js';
import type { ConnectionHooks, ConnectionSettings } from './connection-settings.js';
import { Dialer } from './dialer.js';
import { ReadyWaiters } from './ready-waiters.js';
import { isDatabaseRefused, isNotSent, toStoreError } from './redis-errors.js';
import { RedisTime } from './redis-time.js';
import { faultOfServer, readServerInfo, type ServerInfo } from './server-info.js';

/** An answer, and what its deadline is counted from. */
export interface Answer<T> {
  readonly reply: T;
  readonly sentAt: number;
  /** The connection was cut in between: the command may have run twice. */
  readonly resent: boolean;
  /** Who answered. */
  readonly from: RedisConnection;
}

/**
 * One connection of our own. Every command has a timeout of ours, since a client can leave promises
 * pending for ever; a connection on which nothing arrives is torn down, since it is half open.
 */
export class RedisConnection {
  /** The server's clock, by what was answered on the present connection. */
  readonly time: RedisTime;
  #epoch = 0;
  /** Known once commands can be sent: connected and prepared. */
  #server: ServerInfo | undefined;
  #lastError: Error | undefined;
  readonly #waiting: ReadyWaiters;
  #usableSince = 0;
  readonly #dialer: Dialer;
  readonly #timeouts: CommandTimeouts;

  constructor(
    readonly client: Redis,
    private readonly settings: ConnectionSettings,
    private readonly hooks: ConnectionHooks,
  ) {
    const { clock } = settings;
    this.time = new RedisTime(clock);
    this.#dialer = new Dialer(client, settings, (error) => {
      this.#failed(error);
      hooks.closed?.();
    });
    this.#waiting = new ReadyWaiters(clock);
    this.#timeouts = new CommandTimeouts(clock);
    client.on('error', (error: Error) => {
      // A client that is refused its database would go on in database 0.
      if (isDatabaseRefused(error)) client.stream.destroy();
      if (!isNotSent(error)) this.#failed(error);
    });
    client.on('close', () => {
      this.#epoch += 1;
      this.#server = undefined;
      this.time.reset();
      hooks.closed?.();
    });
    client.on('ready', () => void this.#prepare());
    this.#dialer.dial();
  }

  /** Counts connections, to tell whether a command was sent on one that is gone. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The server's address, for errors. */
  get node(): string {
    return placeOf(this.client);
  }

  /** What is known of why it failed. */
  get trouble(): StoreTrouble {
    return { nodes: [this.node], cause: this.#lastError };
  }

  /** Who is at the other end; another object for each connection, `undefined` until commands can be sent. */
  get server(): ServerInfo | undefined {
    return this.#server;
  }

  /** Whether both talk to the same server process: an address may lead to another one meanwhile. */
  isAtServerOf({ server }: RedisConnection): boolean {
    return this.#server?.runId !== undefined && this.#server.runId === server?.runId;
  }

  /** When both lead to one address and are at different servers, the older one is made anew. */
  dropOlderIfServersDiffer(other: RedisConnection): void {
    if (!this.#server?.runId || !other.server?.runId || this.isAtServerOf(other)) return;
    const older = this.#usableSince < other.#usableSince ? this : other;
    older.client.stream?.destroy();
  }

  /** What a command, or a part of it, was refused with, as one of the store's errors. */
  refusal(key: string, error: unknown): Error {
    // A primary that became a replica: the next connection may find the new primary.
    const isReadOnly = error instanceof Error && error.message.startsWith('READONLY');
    if (isReadOnly) this.#dialer.leave(this.#usableSince);
    const { node, server } = this;
    const { alone } = this.hooks;
    return toStoreError(key, error, { node, server, alone, lastError: this.#lastError });
  }

  /** Tests the socket: a half-open one is torn down. */
  async probe(): Promise<void> {
    await this.send('', (client) => client.ping()).catch(() => undefined);
  }

  /** Sends a command, waiting for the connection first; rejects with the store's errors only. */
  send<T>(
    key: string,
    command: (client: Redis, deadline: number) => Promise<unknown>,
  ): Promise<Answer<T>> {
    const deadline = this.settings.clock.now() + this.settings.commandTimeout;
    const send = (): Promise<Answer<T>> => this.#send(key, command, deadline);
    return this.#server === undefined ? this.#untilReady(key).then(send) : send();
  }

  #send<T>(
    key: string,
    command: (client: Redis, deadline: number) => Promise<unknown>,
    deadline: number,
  ): Promise<Answer<T>> {
    return new Promise<Answer<T>>((resolve, reject) => {
      const epoch = this.#epoch;
      const stream = this.client.stream;
      const read = stream?.bytesRead;
      const expire = (): void => {
        if (stream !== undefined && stream.bytesRead === read) stream.destroy();
        const why = `Redis did not answer within ${this.settings.commandTimeout} ms.`;
        reject(new LockUnavailableError([key], why, this.#lastError, [this.node]));
      };
      const pending = { deadline, expire };
      this.#timeouts.add(pending);
      const sentAt = this.settings.clock.now();
      command(this.client, deadline).then(
        (reply) => {
          this.#timeouts.answered(pending);
          const resent = epoch !== this.#epoch;
          resolve({ reply: reply as T, sentAt, resent, from: this });
        },
        (error: unknown) => {
          this.#timeouts.answered(pending);
          reject(this.refusal(key, error));
        },
      );
    });
  }

  /** Ends the connection at once; what is under way rejects. */
  close(): void {
    this.#dialer.close();
    this.#timeouts.close();
    this.#waiting.wake();
  }

  #failed(error: Error): void {
    this.#lastError = error;
    if (this.#server === undefined) this.hooks.troubled?.(this.trouble);
  }

  async #prepare(): Promise<void> {
    const epoch = this.#epoch;
    const [server] = await Promise.all([
      readServerInfo(this.client, this.settings.clock),
      this.hooks.prepare?.(this.client, this.time),
    ]);
    if (epoch !== this.#epoch) return;
    this.#lastError = undefined;
    this.#server = server;
    const fault = faultOfServer(server, this.node, this.hooks.alone);
    if (fault !== undefined) this.hooks.troubled?.({ nodes: [this.node], cause: new Error(fault) });
    this.#usableSince = this.settings.clock.now();
    this.#waiting.wake();
    this.hooks.ready();
  }

  async #untilReady(key: string): Promise<void> {
    const stream = this.client.stream;
    const read = stream?.bytesRead;
    await this.#waiting.wait(this.#dialer.isClosed ? 0 : this.settings.commandTimeout);
    if (this.#server !== undefined) return;
    // Connected, but the server says nothing.
    const isSilent = this.client.stream === stream && stream?.bytesRead === read;
    if (isSilent && ['connect', 'ready'].includes(this.client.status)) stream?.destroy();
    throw new NotAppliedError([key], 'there is no connection to Redis.', this.#lastError, [
      this.node,
    ]);
  }
}
