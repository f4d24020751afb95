import type { Provider } from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryService,
  HttpAdapterHost,
  LazyModuleLoader,
  ModulesContainer,
} from '@nestjs/core';
import { teachBaseFilters } from './errors/base-filters.js';
import { LockErrorFilter } from './errors/filter.js';
import { endWithApplication, LockLifecycle } from './service/lifecycle.js';
import { busyStatusOf, LockService } from './service/lock.service.js';
import { LockLogger } from './service/logger.js';
import { moduleId } from './service/module-id.js';
import type { RedisLockModuleOptions } from './service/options.js';
import { getLockServiceToken, MODULE_OPTIONS } from './service/tokens.js';
import { LockedExplorer } from './start-check/explorer.js';
import { addLastSteps } from './start-check/last-steps.js';
import { ScopeCheck } from './start-check/scope.check.js';

const LAST_STEPS = Symbol('RedisLockLastSteps');

/** What one dynamic module consists of beside its options. */
export function lockProviders(name: string | undefined): Provider[] {
  const service = getLockServiceToken(name);
  return [
    moduleId(),
    { provide: LAST_STEPS, inject: [ModulesContainer], useFactory: addLastSteps },
    {
      provide: ScopeCheck,
      inject: [DiscoveryService],
      useFactory: (discovery: DiscoveryService) => new ScopeCheck(service, discovery),
    },
    {
      provide: service,
      inject: [MODULE_OPTIONS],
      useFactory: (options: RedisLockModuleOptions) => new LockService(options),
    },
    {
      provide: LockedExplorer,
      inject: [service, DiscoveryService, LazyModuleLoader, ModulesContainer],
      useFactory: explorerOf(name),
    },
    { provide: LockLifecycle, inject: [service, ModulesContainer], useFactory: beginLifecycle },
    {
      provide: LockLogger,
      inject: [service],
      useFactory: (locks: LockService) => new LockLogger(LockService.engineOf(locks)),
    },
    {
      provide: LockErrorFilter,
      inject: [service, ApplicationConfig, HttpAdapterHost],
      useFactory: installFilter,
    },
  ];
}

function explorerOf(name: string | undefined) {
  return (
    locks: LockService,
    discovery: DiscoveryService,
    loader: LazyModuleLoader,
    modules: ModulesContainer,
  ): LockedExplorer => new LockedExplorer(name, locks, discovery, loader, modules);
}

function beginLifecycle(locks: LockService, modules: ModulesContainer): LockLifecycle {
  const lifecycle = new LockLifecycle(locks);
  endWithApplication(lifecycle, modules);
  return lifecycle;
}

/**
 * Puts the filter before all others, which Nest asks last: filters of the application win. At this
 * moment, while providers are made, the application has registered none of its own yet.
 */
async function installFilter(
  locks: LockService,
  config: ApplicationConfig,
  adapterHost: HttpAdapterHost,
): Promise<LockErrorFilter> {
  await teachBaseFilters({ http: busyStatusOf(locks) !== false });
  const filter = new LockErrorFilter(adapterHost);
  config.useGlobalFilters(filter);
  return filter;
}
