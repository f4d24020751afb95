import { type DynamicModule, Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { register, type Registry } from 'prom-client';
import { LockConfigError } from '../engine/api/errors.js';
import { OptionReader, show } from '../engine/api/option-reader.js';
import { moduleId } from '../nest/service/module-id.js';
import { LockMeter } from './lock-meter.js';

/**
 * Options of a `LockMetricsModule`.
 *
 * @example
 * const options: LockMetricsOptions = { registry: new Registry() };
 */
export interface LockMetricsOptions {
  /** Where the metrics are kept. @default the global registry of `prom-client` */
  registry?: Registry | undefined;
}

/**
 * Counts the locks of every lock service of the application in a registry of `prom-client`.
 *
 * @example
 * const imports = [LockMetricsModule.forRoot()];
 */
@Module({})
export class LockMetricsModule {
  static forRoot(options: LockMetricsOptions = {}): DynamicModule {
    const registry = registryOf(options);
    return {
      module: LockMetricsModule,
      // Global modules are initialized first: what others lock as they start is counted.
      global: true,
      providers: [
        moduleId(),
        {
          provide: LockMeter,
          inject: [ModulesContainer],
          useFactory: (modules: ModulesContainer) => new LockMeter(modules, registry),
        },
      ],
    };
  }
}

/** @throws {LockConfigError} All faults at once. */
function registryOf(options: LockMetricsOptions): Registry {
  const reader = new OptionReader(options);
  reader.only(['registry']);
  const registry = (reader.raw('registry') ?? register) as Partial<Registry>;
  if (typeof registry.registerMetric !== 'function')
    reader.problems.push(`registry must be a Registry of prom-client, got ${show(registry)}.`);
  if (reader.problems.length > 0) throw new LockConfigError(reader.problems);
  return registry as Registry;
}
