import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { ProxyConnection } from './proxy-connection.js';
import { freePort } from './spawn-redis.mjs';

export interface FaultOptions {
  /** Strikes only a connection whose client has sent these bytes; case does not matter. */
  readonly containing?: string;
}

/**
 * A TCP proxy in front of a server, whose faults a test sets while it runs.
 *
 * It passes everything on at first. Faults that concern new connections (`refuse`,
 * `blackHole`) last until `pass()`.
 */
export class TcpProxy {
  readonly port: number;
  #targetPort: number;
  readonly #server: Server;
  readonly #connections: ProxyConnection[] = [];
  #swallowsNew = false;
  #replyDelayMs = 0;
  #requestDelayMs = 0;
  #held: string | undefined;
  #cut: { containing: string | undefined; done: () => void } | undefined;

  private constructor(targetPort: number, server: Server) {
    this.#targetPort = targetPort;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Starts a proxy on a free loopback port, in front of `targetPort` on loopback. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer();
    server.listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(targetPort, server);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Every connection since the start, closed ones too, in the order of arrival. */
  get connections(): readonly ProxyConnection[] {
    return this.#connections;
  }

  get openConnections(): readonly ProxyConnection[] {
    return this.#connections.filter((connection) => connection.isOpen);
  }

  /**
   * Forwards the next bytes of a client, then drops both its sockets as soon as the server
   * answers: the command is executed and its reply never arrives. Happens once.
   *
   * Resolves when it has happened; never when `pass()` or another cut comes before.
   */
  cutOnNextReply(options: FaultOptions = {}): Promise<void> {
    return new Promise((done) => {
      this.#cut = { containing: options.containing?.toLowerCase(), done };
      for (const connection of this.#connections) connection.forgetSent();
    });
  }

  /** Accepts and never answers; open connections fall silent as well. */
  blackHole(): void {
    this.#swallowsNew = true;
    for (const connection of this.openConnections) connection.swallow();
  }

  /** Passes replies on `ms` milliseconds late, in order; 0 ends it. */
  delayReplies(ms: number): void {
    this.#replyDelayMs = ms;
  }

  /** Keeps back replies, and all behind them, until `pass()`. */
  holdReplies({ containing = '' }: FaultOptions = {}): void {
    this.#held = containing.toLowerCase();
  }

  /** How many open connections have a reply that is kept back. */
  get holding(): number {
    return this.openConnections.filter(({ holdsReply }) => holdsReply).length;
  }

  /** Passes requests on `ms` milliseconds late, in order; 0 ends it. */
  delayRequests(ms: number): void {
    this.#requestDelayMs = ms;
  }

  /** New connections lead to another server, as when a name or an address has moved. */
  leadTo(port: number): void {
    this.#targetPort = port;
  }

  /** Closes every open connection on both sides. New ones are served. */
  dropConnections(): void {
    for (const connection of this.openConnections) connection.drop();
  }

  /**
   * Leaves every open connection half-open: the server sees it end, the client sees nothing,
   * and what it sends leads nowhere. New ones are served.
   */
  halfOpen(): void {
    for (const connection of this.openConnections) connection.abandon();
  }

  /** Refuses new connections (ECONNREFUSED). Open ones go on: see `dropConnections()`. */
  refuse(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Ends every fault. Connections that a fault has silenced stay silent. */
  async pass(): Promise<void> {
    this.#swallowsNew = false;
    this.#replyDelayMs = 0;
    this.#requestDelayMs = 0;
    this.#held = undefined;
    this.#cut = undefined;
    for (const connection of this.openConnections) connection.release();
    if (this.#server.listening) return;
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Drops everything and frees the port; idempotent. */
  async close(): Promise<void> {
    this.#cut = undefined;
    this.refuse();
    this.dropConnections();
    await setImmediate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket): void {
    const server = this.#swallowsNew ? undefined : connect(this.#targetPort, '127.0.0.1');
    const connection = new ProxyConnection(this.#connections.length, client, server, {
      requestDelayMs: () => this.#requestDelayMs,
      replyDelayMs: (sent) => {
        const held = this.#held !== undefined && sent.includes(this.#held);
        return held ? Infinity : this.#replyDelayMs;
      },
      cutsReply: (sent) => this.#takeCut(sent),
    });
    this.#connections.push(connection);
  }

  /** Answers whether the connection that has sent `sent` is to be cut; once for each cut. */
  #takeCut(sent: string): boolean {
    const cut = this.#cut;
    if (cut === undefined || sent === '' || !sent.includes(cut.containing ?? '')) return false;
    this.#cut = undefined;
    cut.done();
    return true;
  }
}
