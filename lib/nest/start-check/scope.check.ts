import type { InjectionToken, OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { LockConfigError } from '../../engine/api/errors.js';
import { closeEngines } from './engines.js';

/**
 * Refuses a service that Nest would make anew for each request: locks of one exclude nobody of the
 * other. It depends on no service, since Nest calls no hook of what depends on the request.
 */
export class ScopeCheck implements OnModuleInit {
  constructor(
    private readonly service: InjectionToken,
    private readonly discovery: DiscoveryService,
  ) {}

  async onModuleInit(): Promise<void> {
    const services = this.discovery.getProviders().filter(({ token }) => token === this.service);
    if (services.every((each) => each.isAlias || each.isDependencyTreeStatic())) return;
    await closeEngines(this.discovery);
    throw new LockConfigError([
      'the options of a RedisLockModule depend on the request, so that each request would have locks ' +
        'of its own. Inject only what lives as long as the application.',
    ]);
  }
}
