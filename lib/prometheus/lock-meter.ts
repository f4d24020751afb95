import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { Registry } from 'prom-client';
import { lockServicesIn } from '../nest/service/lock-services.js';
import { addToRegistry } from './registry-metrics.js';
import { Tallies } from './tallies.js';

/** Watches the lock services of one application, from its start to its end. */
export class LockMeter implements OnModuleInit, OnApplicationShutdown {
  readonly #ends: (() => void)[] = [];

  constructor(
    private readonly modules: ModulesContainer,
    private readonly registry: Registry,
  ) {}

  onModuleInit(): void {
    for (const { name, manager } of lockServicesIn(this.modules)) {
      const tallies = new Tallies(name);
      const end = addToRegistry(this.registry, manager, tallies);
      if (end !== undefined) this.#ends.push(end, manager.observers.add(tallies));
    }
  }

  onApplicationShutdown(): void {
    for (const end of this.#ends.splice(0)) end();
  }
}
