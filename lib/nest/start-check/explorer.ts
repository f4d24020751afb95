import { Logger, type OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { LockConfigError } from '../../engine/api/errors.js';
import type { LockedPlan } from '../locked/plan.js';
import { type LockService, managerOf } from '../service/lock.service.js';
import { type HandlerKind, handlerKindsOf } from './handler-kinds.js';
import { inspectMethods } from './inspection.js';
import { checkParts } from './parts.check.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** What start finds out about the methods of all objects. */
interface Findings {
  readonly problems: Set<string>;
  readonly warnings: Set<string>;
  /** By plan: several classes may have the same method, and only some of them be controllers. */
  readonly kinds: Map<LockedPlan, ReadonlySet<HandlerKind>>;
}

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
    const findings: Findings = { problems: new Set(), warnings: new Set(), kinds: new Map() };
    for (const each of this.discovery.getControllers()) this.#inspect(each, true, findings);
    for (const each of this.discovery.getProviders()) this.#inspect(each, false, findings);
    const { problems, warnings, kinds } = findings;
    for (const [plan, its] of kinds) checkParts(plan, its).forEach((each) => problems.add(each));
    for (const warning of warnings) this.logger.warn(warning);
    if (problems.size === 0) return;
    await managerOf(this.service)?.close();
    throw new LockConfigError([...problems]);
  }

  #inspect(wrapper: InstanceWrapper, isController: boolean, findings: Findings): void {
    const instance: unknown = wrapper.instance;
    if (wrapper.isAlias || typeof instance !== 'object' || instance === null) return;
    const { problems, warnings } = findings;
    const { locked, faults, overrides } = inspectMethods(instance);
    for (const fault of faults) problems.add(fault);
    for (const { owner, plan } of overrides.filter((each) => this.#keeps(each.plan))) {
      warnings.add(
        `${owner} overrides the @Locked method ${plan.owner} without @Locked: it runs unlocked.`,
      );
    }
    const prototype = Object.getPrototypeOf(instance) as object;
    for (const { plan, ...method } of locked.filter((each) => this.#keeps(each.plan))) {
      this.#checkOptions(plan, problems);
      if (wrapper.isNotMetatype) this.#provideService(instance, plan, problems);
      const kinds = handlerKindsOf({ ...method, prototype, isController });
      findings.kinds.set(plan, new Set([...(findings.kinds.get(plan) ?? []), ...kinds]));
    }
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
