import type {
  OnApplicationShutdown,
  OnModuleDestroy,
  OnApplicationBootstrap,
} from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
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
  #started = false;

  constructor(private readonly service: LockService) {}

  /** Whether Nest calls the hooks of this object. */
  get started(): boolean {
    return this.#started;
  }

  onApplicationBootstrap(): void {
    this.#started = true;
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

/**
 * Nest calls the hooks of the modules that were there at its start. For one that is loaded later a
 * provider in the first of these stands in, or its connections would stay open.
 */
export function endWithApplication(lifecycle: LockLifecycle, modules: ModulesContainer): void {
  const [first] = modules.values();
  const standIn: OnModuleDestroy & OnApplicationShutdown = {
    onModuleDestroy: () => (lifecycle.started ? undefined : lifecycle.onModuleDestroy()),
    onApplicationShutdown: () =>
      lifecycle.started ? undefined : lifecycle.onApplicationShutdown(),
  };
  first?.addProvider({ provide: Symbol('RedisLockLifecycle'), useValue: standIn });
}
