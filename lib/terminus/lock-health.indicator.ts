import { Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { HealthIndicatorResult } from '@nestjs/terminus';
import { lockServicesIn, type NamedLockService } from '../nest/service/lock-services.js';
import { healthResult } from './health-result.js';
import { judge, type ServiceHealth } from './service-health.js';

/**
 * Tells whether the application's lock services can give locks. Put it among the providers of the
 * module that has your health controller.
 *
 * @example
 * const check = (locks: LockHealthIndicator) => health.check([() => locks.isHealthy('locks')]);
 */
@Injectable()
export class LockHealthIndicator {
  constructor(private readonly modules: ModulesContainer) {}

  /**
   * Down: a service can't reach its Redis, or too few of its nodes. Degraded: some nodes of a quorum
   * are silent, but enough are there; with Terminus before 12, `up` with `state: 'degraded'`.
   *
   * @param name Under which the result stands.
   * @example
   * const result = await indicator.isHealthy('locks');
   */
  async isHealthy(name: string): Promise<HealthIndicatorResult> {
    const services = lockServicesIn(this.modules);
    const healths = await Promise.all(services.map(healthOf));
    return healthResult(name, healths);
  }
}

async function healthOf({ name, manager }: NamedLockService): Promise<ServiceHealth> {
  return judge(name, await manager.viewer.health());
}
