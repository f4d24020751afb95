import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { lockServicesIn } from '../nest/service/lock-services.js';
import { LockTracer } from './lock-tracer.js';

/** Traces the lock services of one application, from its start to its end. */
@Injectable()
export class LockTracing implements OnModuleInit, OnApplicationShutdown {
  readonly #ends: (() => void)[] = [];

  constructor(private readonly modules: ModulesContainer) {}

  onModuleInit(): void {
    for (const { name, manager } of lockServicesIn(this.modules)) {
      // The module may have been imported twice.
      if (manager.observers.has(LockTracer)) continue;
      this.#ends.push(manager.observers.add(new LockTracer(name)));
    }
  }

  onApplicationShutdown(): void {
    for (const end of this.#ends.splice(0)) end();
  }
}
