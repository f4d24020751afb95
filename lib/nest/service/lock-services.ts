import type { ModulesContainer } from '@nestjs/core';
import type { LockManager } from '../../engine/lock-manager.js';
import { LockService, managerOf } from './lock.service.js';

/** A lock service of an application, by the name that its module has; `'default'` without one. */
export interface NamedLockService {
  readonly name: string;
  readonly service: LockService;
  readonly manager: LockManager;
}

/** What stands for an answer where there is nobody to ask. */
export const NO_LOCK_SERVICE = 'The application has no lock service: import RedisLockModule.';

const NAMED = /^LockService\((.*)\)$/s;

/** The lock services of one application, each once. Complete when its modules are initialized. */
export function lockServicesIn(modules: ModulesContainer): readonly NamedLockService[] {
  const found = new Map<LockManager, NamedLockService>();
  for (const { providers } of modules.values()) {
    for (const [token, { instance, isAlias }] of providers) {
      const service: unknown = instance;
      if (isAlias || !(service instanceof LockService)) continue;
      const manager = managerOf(service);
      // A provider of the application may have given it another token.
      const isOwn = token === LockService || (typeof token === 'string' && NAMED.test(token));
      if (manager === undefined || (found.has(manager) && !isOwn)) continue;
      const name = typeof token === 'string' ? (NAMED.exec(token)?.[1] ?? token) : 'default';
      // A module may have been given the name that one without a name is known by.
      const others = [...found.values()].filter((each) => each.manager !== manager);
      const isTaken = others.some((each) => each.name === name);
      const fullName = typeof token === 'string' ? token : LockService.name;
      found.set(manager, { name: isTaken ? fullName : name, service, manager });
    }
  }
  return [...found.values()];
}
