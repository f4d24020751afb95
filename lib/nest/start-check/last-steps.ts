import type { ModulesContainer } from '@nestjs/core';
import { endWith, interceptorsOf, leadsOf } from '../handler/chain.js';
import { lockedInterceptorOf } from '../handler/interceptor.js';
import { lastStep } from '../handler/lead.js';
import { lockedPlanOf } from '../locked/plan.js';
import { methodsOf, prototypesFrom } from './inspection.js';

/**
 * Makes the identity of each call sure: behind the interceptors of every `@Locked` handler that has
 * others inside comes a last step of ours. To be called while providers are made, since Nest reads
 * the interceptors of gateways and routes before any hook runs.
 */
export function addLastSteps(modules: ModulesContainer): void {
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype, isNotMetatype } of [...controllers.values(), ...providers.values()]) {
      if (isNotMetatype || typeof metatype !== 'function') continue;
      addToMethods(metatype.prototype as object | undefined);
    }
  }
}

function addToMethods(prototype: object | undefined): void {
  for (const each of prototypesFrom(prototype ?? null)) {
    for (const [, method] of methodsOf(each)) {
      const plan = lockedPlanOf(method);
      if (plan === undefined) continue;
      const interceptor = lockedInterceptorOf(plan.service);
      const isRouted = interceptorsOf(method).includes(interceptor);
      if (isRouted && leadsOf(method, interceptor) === undefined) endWith(lastStep, method);
    }
  }
}
