import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../engine/time/clock.js';
import { MAX_RECONNECT_MS } from './client-options.js';

/** Connects a client anew where it would not do so by itself, until it is closed. */
export class Dialer {
  #nextTry: Timer | undefined;
  #closed = false;

  constructor(
    private readonly client: Redis,
    private readonly clock: Clock,
  ) {
    client.on('close', () => clock.cancel(this.#nextTry));
    // A client gives up for good when it fails before it has a socket.
    client.on('end', () =>
      this.#later(clock.now() + MAX_RECONNECT_MS, () => void client.connect().catch(() => {})),
    );
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Leaves a server that is of no use; not sooner than a connection that began at `since` may end. */
  leave(since: number): void {
    this.#later(since + MAX_RECONNECT_MS, () => this.client.stream.destroy());
  }

  close(): void {
    this.#closed = true;
    this.clock.cancel(this.#nextTry);
    this.client.disconnect();
  }

  #later(moment: number, task: () => void): void {
    this.clock.cancel(this.#nextTry);
    if (this.#closed) return;
    this.#nextTry = this.clock.after(moment - this.clock.now(), task);
  }
}
