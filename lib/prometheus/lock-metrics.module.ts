import { type DynamicModule, Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { register, type Registry } from 'prom-client';
import { LockMeter } from './lock-meter.js';

/**
 * Options of a `LockMetricsModule`.
 *
 * @example
 * const options: LockMetricsOptions = { registry: new Registry() };
 */
export interface LockMetricsOptions {
  /** Where the metrics are kept. @default the global registry of `prom-client` */
  registry?: Registry;
}

/**
 * Counts the locks of every lock service of the application in a registry of `prom-client`.
 *
 * @example
 * const imports = [LockMetricsModule.forRoot()];
 */
@Module({})
export class LockMetricsModule {
  static forRoot({ registry = register }: LockMetricsOptions = {}): DynamicModule {
    return {
      module: LockMetricsModule,
      // Global modules are initialized first: what others lock as they start is counted.
      global: true,
      providers: [
        {
          provide: LockMeter,
          inject: [ModulesContainer],
          useFactory: (modules: ModulesContainer) => new LockMeter(modules, registry),
        },
      ],
    };
  }
}
