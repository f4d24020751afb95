import { Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { LockConfigError } from '../engine/errors.js';
import { heldLockPositions } from './held-lock.decorator.js';
import { managerOf } from './lock.service.js';
import type { LockService } from './lock.service.js';
import { ownLockedPlanOf } from './locked.plan.js';
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

interface MethodsFound {
  readonly plans: readonly LockedPlan[];
  readonly faults: readonly string[];
  /** Methods that are not locked because a subclass replaced them. */
  readonly overrides: readonly { readonly owner: string; readonly plan: LockedPlan }[];
}

/** What `@Locked` says of the methods of an object, from its own class upwards. */
function inspectMethods(instance: object): MethodsFound {
  const plans: LockedPlan[] = [];
  const faults: string[] = [];
  const overrides: { owner: string; plan: LockedPlan }[] = [];
  const effective = new Map<string | symbol, { owner: string; locked: boolean }>();
  for (const prototype of prototypesOf(instance)) {
    for (const name of methodNamesOf(prototype)) {
      const plan = ownLockedPlanOf(prototype, name);
      const override = effective.get(name);
      if (override !== undefined) {
        if (plan && !override.locked) overrides.push({ owner: override.owner, plan });
        continue;
      }
      const owner = `${prototype.constructor.name}.${String(name)}`;
      effective.set(name, { owner, locked: plan !== undefined });
      if (plan !== undefined) plans.push(plan);
      else if (heldLockPositions(prototype, name).length > 0) {
        faults.push(`@HeldLock on ${owner}: the method has no @Locked.`);
      }
    }
  }
  return { plans, faults, overrides };
}

function prototypesOf(instance: object): object[] {
  const prototypes: object[] = [];
  let prototype: object | null = Object.getPrototypeOf(instance);
  while (prototype !== null && prototype !== Object.prototype) {
    prototypes.push(prototype);
    prototype = Object.getPrototypeOf(prototype);
  }
  return prototypes;
}

/** By descriptor: to read a property would call its getter. */
function methodNamesOf(prototype: object): (string | symbol)[] {
  return Reflect.ownKeys(prototype).filter((name) => {
    const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
    return typeof method === 'function' && name !== 'constructor';
  });
}
