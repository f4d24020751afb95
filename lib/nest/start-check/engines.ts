import type { DiscoveryService } from '@nestjs/core';
import { LockService } from '../service/lock.service.js';

/** Closes what the services of an application have opened that has not started: nobody else would. */
export async function closeEngines(discovery: DiscoveryService): Promise<void> {
  const engines = discovery.getProviders().flatMap(({ instance }) => {
    const isObject = typeof instance === 'object' && instance !== null;
    return isObject ? (LockService.engineOf(instance as object) ?? []) : [];
  });
  await Promise.all(engines.map((each) => each.close()));
}
