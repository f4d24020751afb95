import type { Socket } from 'node:net';

import { DelayLine } from './delay-line.js';

/** What a connection asks its proxy about, for each chunk that passes. */
export interface ProxyFaults {
  readonly requestDelayMs: () => number;
  /** @param sent What the client has sent since the last reply, in lower case. */
  replyDelayMs(sent: string): number;
  cutsReply(sent: string): boolean;
}

/** One client's connection through a `TcpProxy`. */
export class ProxyConnection {
  readonly id: number;
  bytesFromClient = 0;
  bytesFromServer = 0;
  /** Whether the client listens on it for what is published. */
  isSubscriber = false;
  readonly #client: Socket;
  readonly #server: Socket | undefined;
  readonly #faults: ProxyFaults;
  readonly #requests: DelayLine;
  readonly #replies: DelayLine;
  #sent = '';
  #isSilent: boolean;

  /** @param server Missing: the client is accepted and never answered. */
  constructor(id: number, client: Socket, server: Socket | undefined, faults: ProxyFaults) {
    this.id = id;
    this.#client = client;
    this.#server = server;
    this.#faults = faults;
    this.#isSilent = server === undefined;
    this.#requests = new DelayLine(faults.requestDelayMs, (chunk) => void server?.write(chunk));
    this.#replies = new DelayLine(
      () => faults.replyDelayMs(this.#sent),
      (chunk) => void client.write(chunk),
    );
    client.setNoDelay(true);
    client.on('data', (chunk) => this.#fromClient(chunk));
    client.on('error', () => {});
    client.on('close', () => this.#close());
    server?.setNoDelay(true);
    server?.on('data', (chunk) => this.#fromServer(chunk));
    server?.on('error', () => {});
    server?.on('close', () => {
      if (!this.#isSilent) this.#close();
    });
  }

  /** Whether the client's side is open. */
  get isOpen(): boolean {
    return !this.#client.destroyed;
  }

  /** Whether a reply is kept back. */
  get holdsReply(): boolean {
    return this.#replies.isHeld;
  }

  /** Passes nothing on any more; both sockets stay open. */
  swallow(): void {
    this.#isSilent = true;
    this.#forget();
  }

  /** Passes nothing on any more and ends the server's side only. */
  abandon(): void {
    this.swallow();
    this.#server?.destroy();
  }

  /** Passes on what was kept back. */
  release(): void {
    this.#requests.release();
    this.#replies.release();
  }

  drop(): void {
    this.#close();
  }

  forgetSent(): void {
    this.#sent = '';
  }

  #fromClient(chunk: Buffer): void {
    this.bytesFromClient += chunk.length;
    if (this.#isSilent) return;
    this.#sent += chunk.toString('latin1').toLowerCase();
    this.isSubscriber ||= this.#sent.includes('subscribe');
    this.#requests.pass(chunk);
  }

  #fromServer(chunk: Buffer): void {
    this.bytesFromServer += chunk.length;
    if (this.#isSilent) return;
    if (this.#faults.cutsReply(this.#sent)) {
      this.#cut();
      return;
    }
    this.#replies.pass(chunk);
    this.#sent = '';
  }

  /** Ends the server's side politely: what it has received so far is executed. */
  #cut(): void {
    this.#isSilent = true;
    this.#server?.end();
    this.#forget();
    this.#client.destroy();
  }

  #close(): void {
    this.#forget();
    this.#client.destroy();
    this.#server?.destroy();
  }

  #forget(): void {
    this.#requests.clear();
    this.#replies.clear();
  }
}
