import type { OnApplicationShutdown, OnModuleDestroy } from '@nestjs/common';
import type { LockManager } from '../../engine/lock-manager.js';

/**
 * Ends the locks of an application that closes. Waiters leave in the first phase, so that their
 * requests end and the server can close; running holders have `shutdownTimeout` from there.
 */
export class LockLifecycle implements OnModuleDestroy, OnApplicationShutdown {
  #drained: Promise<void> | undefined;

  /** @param manager `undefined` when a test put a stand-in in the place of the service. */
  constructor(private readonly manager: LockManager | undefined) {}

  onModuleDestroy(): void {
    this.#drained = this.manager?.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#drained;
    await this.manager?.close();
  }
}
