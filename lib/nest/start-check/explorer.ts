import { Logger, type OnModuleInit } from '@nestjs/common';
import {
  type DiscoveryService,
  type LazyModuleLoader,
  ModuleRef,
  type ModulesContainer,
} from '@nestjs/core';
import { LockConfigError } from '../../engine/api/errors.js';
import type { LockRequest } from '../../engine/api/lock-options.js';
import type { LockedPlan } from '../locked/plan.js';
import { LockService } from '../service/lock.service.js';
import { adviceOn, isCutOff } from './advice.js';
import { closeEngines } from './engines.js';
import { enhancersIn } from './enhancers.js';
import { type DecoratedMethod, type HandlerKind, handlerKindsOf } from './handler-kinds.js';
import { inspectMethods } from './inspection.js';
import {
  checkLazyModules,
  type InstanceWrapper,
  isBeingMade,
  showWhatIsMade,
} from './late-objects.js';
import { ModuleFaults } from './module-faults.js';
import { checkParts } from './parts.check.js';
import { checkTwins } from './twins.check.js';

/** Token of the options in graphql.constants.js of @nestjs/graphql. */
const GRAPHQL_OPTIONS = 'GqlModuleOptions';

/** What start finds out about the methods of all objects. */
interface Findings {
  readonly faults: ModuleFaults;
  readonly warnings: Set<string>;
  /** By plan: several classes may have the same method, and only some of them be controllers. */
  readonly users: Map<LockedPlan, PlanUsers>;
}

/** Where a plan is used. */
interface PlanUsers {
  readonly kinds: Set<HandlerKind>;
  readonly modules: Set<InstanceWrapper['host']>;
}

type Tell = (fault: string) => void;

function noFindings(faults = new ModuleFaults()): Findings {
  return { faults, warnings: new Set(), users: new Map() };
}

/**
 * Checks every `@Locked` method of an application when it starts, and reaches out to objects that
 * Nest did not construct (`useFactory`, `useValue`). Never wraps a method.
 */
export class LockedExplorer implements OnModuleInit {
  private readonly logger = new Logger('RedisLock');
  private readonly seen = new WeakSet<InstanceWrapper>();
  private readonly faults = new ModuleFaults();

  /** @param name Whose methods are checked: those that take locks of this service. */
  constructor(
    private readonly name: string | undefined,
    private readonly service: LockService,
    private readonly discovery: DiscoveryService,
    private readonly loader: LazyModuleLoader,
    private readonly modules: ModulesContainer,
  ) {}

  async onModuleInit(): Promise<void> {
    try {
      this.#check();
      refuse(this.faults.all());
    } catch (error) {
      await closeEngines(this.discovery);
      throw error;
    }
    checkLazyModules(this.loader, (loaded) => {
      this.#check();
      const references = this.discovery.getProviders().filter(({ token }) => token === ModuleRef);
      refuse(this.faults.of(references.find(({ instance }) => instance === loaded)?.host));
    });
  }

  /** Checks what it has not seen before. */
  #check(): void {
    const findings = noFindings(this.faults);
    for (const each of this.discovery.getControllers()) this.#inspect(each, true, findings);
    for (const each of this.discovery.getProviders()) this.#inspect(each, false, findings);
    for (const each of enhancersIn(this.modules)) this.#inspect(each, false, findings);
    checkTwins(this.name, this.service, this.discovery, this.faults);
    checkUsers(findings);
    for (const warning of findings.warnings) this.logger.warn(warning);
  }

  #inspect(wrapper: InstanceWrapper, isController: boolean, findings: Findings): void {
    if (wrapper.isAlias || isBeingMade(wrapper) || this.seen.has(wrapper)) return;
    this.seen.add(wrapper);
    const made = wrapper.isTransient
      ? wrapper.getStaticTransientInstances().map((host) => host?.instance as unknown)
      : [];
    for (const instance of [wrapper.instance as unknown, ...made])
      this.#inspectInstance(instance, wrapper, isController, findings);
    showWhatIsMade(wrapper, (late) => {
      const found = noFindings();
      this.#inspectInstance(late, wrapper, isController, found);
      checkUsers(found);
      refuse(found.faults.all());
    });
  }

  #inspectInstance(
    instance: unknown,
    wrapper: InstanceWrapper,
    isController: boolean,
    findings: Findings,
  ): void {
    if (typeof instance !== 'object' || instance === null) return;
    const { warnings, users } = findings;
    const fault = (text: string): void => findings.faults.add(wrapper.host, text);
    const { locked, faults, overrides } = inspectMethods(instance);
    faults.forEach(fault);
    for (const { owner, plan } of overrides.filter((each) => this.#keeps(each.plan))) {
      warnings.add(
        `${owner} overrides the @Locked method ${plan.owner} without @Locked: it runs unlocked.`,
      );
    }
    const prototype = Object.getPrototypeOf(instance) as object;
    for (const method of locked.filter((each) => this.#keeps(each.plan))) {
      const { plan } = method;
      const request = this.#checkOptions(plan, fault);
      if (wrapper.isNotMetatype) this.#provideService(instance, plan, fault);
      const decorated = { method: method.method, name: method.name, prototype, isController };
      const kinds = isCutOff(method) ? [] : this.#kindsOf(decorated);
      for (const each of adviceOn({ found: method, request, kinds })) warnings.add(each);
      const its = users.get(plan) ?? { kinds: new Set(), modules: new Set() };
      users.set(plan, its);
      its.modules.add(wrapper.host);
      for (const kind of kinds) its.kinds.add(kind);
    }
  }

  /** An application may have fields resolved as queries are. */
  #kindsOf(method: DecoratedMethod): readonly HandlerKind[] {
    const kinds = handlerKindsOf(method);
    if (!kinds.includes('field')) return kinds;
    const options = this.discovery.getProviders().find(({ token }) => token === GRAPHQL_OPTIONS);
    const { fieldResolverEnhancers: enhancers = [] } = (options?.instance ?? {}) as {
      fieldResolverEnhancers?: readonly string[];
    };
    if (!enhancers.includes('interceptors')) return kinds;
    return kinds.map((kind) => (kind === 'field' ? 'graphql' : kind));
  }

  #keeps(plan: LockedPlan): boolean {
    return plan.service === this.name;
  }

  /** Options may be wrong only together with the module's. */
  #checkOptions(plan: LockedPlan, fault: Tell): LockRequest | undefined {
    const settings = LockService.engineOf(this.service)?.settings;
    try {
      return settings && plan.requestFor(settings);
    } catch (error) {
      if (!(error instanceof LockConfigError)) throw error;
      for (const problem of error.problems) fault(`@Locked on ${plan.owner}: ${problem}`);
      return undefined;
    }
  }

  /** Nest injects properties only into what it constructs. */
  #provideService(instance: object, plan: LockedPlan, fault: Tell): void {
    const other = (instance as Record<symbol, LockService | undefined>)[plan.property];
    const engine = other === this.service ? undefined : other && LockService.engineOf(other);
    if (engine?.closed === false) {
      fault(
        `@Locked on ${plan.owner}: another application that has not been closed uses the same object, ` +
          'whose locks are kept there. Give each application an object of its own.',
      );
    } else if (!Reflect.set(instance, plan.property, this.service)) {
      fault(`@Locked on ${plan.owner}: the object is frozen, no lock service can be put on it.`);
    }
  }
}

/** Parts that no call of a method has. */
function checkUsers({ users, faults }: Findings): void {
  for (const [plan, { kinds, modules }] of users)
    for (const fault of checkParts(plan, kinds))
      for (const module of modules) faults.add(module, fault);
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new LockConfigError(faults);
}
