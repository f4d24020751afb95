import type {
  OnApplicationShutdown,
  OnModuleDestroy,
  OnApplicationBootstrap,
} from '@nestjs/common';
import { type LockService, managerOf } from './lock.service.js';

/**
 * Connects an application that has started, and ends the locks of one that closes. Waiters leave in
 * the first phase, so that their requests end and the server can close; running holders have
 * `shutdownTimeout` from there.
 */
export class LockLifecycle
  implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown
{
  #drained: Promise<void> | undefined;

  constructor(private readonly service: LockService) {}

  onApplicationBootstrap(): void {
    managerOf(this.service);
  }

  onModuleDestroy(): void {
    this.#drained = managerOf(this.service)?.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#drained;
    await managerOf(this.service)?.close();
  }
}
