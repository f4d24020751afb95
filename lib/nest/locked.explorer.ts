import { Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { LockConfigError } from '../engine/errors.js';
import { managerOf } from './lock.service.js';
import type { LockService } from './lock.service.js';
import { inspectMethods } from './locked.inspection.js';
import type { LockedPlan } from './locked.plan.js';

/**
 * Checks every `@Locked` method of an application when it starts, and reaches out to objects that
 * Nest did not construct (`useFactory`, `useValue`). Never wraps a method.
 */
export class LockedExplorer implements OnModuleInit {
  private readonly logger = new Logger('RedisLock');

  /** @param name Whose methods are checked: those that take locks of this service. */
  constructor(
    private readonly name: string | undefined,
    private readonly service: LockService,
    private readonly discovery: DiscoveryService,
  ) {}

  async onModuleInit(): Promise<void> {
    const problems = new Set<string>();
    const warnings = new Set<string>();
    const wrappers = [...this.discovery.getControllers(), ...this.discovery.getProviders()];
    for (const { instance, isAlias, isNotMetatype } of wrappers) {
      if (isAlias || typeof instance !== 'object' || instance === null) continue;
      const { plans, faults, overrides } = inspectMethods(instance as object);
      for (const fault of faults) problems.add(fault);
      for (const { owner, plan } of overrides.filter((each) => this.#keeps(each.plan))) {
        warnings.add(
          `${owner} overrides the @Locked method ${plan.owner} without @Locked: it runs unlocked.`,
        );
      }
      for (const plan of plans.filter((each) => this.#keeps(each))) {
        this.#checkOptions(plan, problems);
        if (isNotMetatype) this.#provideService(instance as object, plan, problems);
      }
    }
    for (const warning of warnings) this.logger.warn(warning);
    if (problems.size === 0) return;
    await this.service.shutdown();
    throw new LockConfigError([...problems]);
  }

  #keeps(plan: LockedPlan): boolean {
    return plan.service === this.name;
  }

  /** Options may be wrong only together with the module's. */
  #checkOptions(plan: LockedPlan, problems: Set<string>): void {
    const manager = managerOf(this.service);
    try {
      if (manager !== undefined) plan.requestFor(manager);
    } catch (error) {
      if (!(error instanceof LockConfigError)) throw error;
      for (const problem of error.problems) problems.add(`@Locked on ${plan.owner}: ${problem}`);
    }
  }

  /** Nest injects properties only into what it constructs. */
  #provideService(instance: object, plan: LockedPlan, problems: Set<string>): void {
    if (Reflect.set(instance, plan.property, this.service)) return;
    problems.add(
      `@Locked on ${plan.owner}: the object is frozen, no lock service can be put on it.`,
    );
  }
}
