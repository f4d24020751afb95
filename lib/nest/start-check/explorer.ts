import { Logger, type OnModuleInit } from '@nestjs/common';
import type { DiscoveryService, LazyModuleLoader } from '@nestjs/core';
import { LockConfigError } from '../../engine/api/errors.js';
import type { LockRequest } from '../../engine/api/lock-options.js';
import type { LockedPlan } from '../locked/plan.js';
import type { LateEngine } from '../service/late-engine.js';
import { LockService } from '../service/lock.service.js';
import { getLockServiceToken } from '../service/tokens.js';
import { adviceOn, isCutOff } from './advice.js';
import { type DecoratedMethod, type HandlerKind, handlerKindsOf } from './handler-kinds.js';
import { inspectMethods } from './inspection.js';
import {
  checkLazyModules,
  type InstanceWrapper,
  isBeingMade,
  showWhatIsMade,
} from './late-objects.js';
import { checkParts } from './parts.check.js';

/** Token of the options in graphql.constants.js of @nestjs/graphql. */
const GRAPHQL_OPTIONS = 'GqlModuleOptions';

/** What start finds out about the methods of all objects. */
interface Findings {
  readonly problems: Set<string>;
  readonly warnings: Set<string>;
  /** By plan: several classes may have the same method, and only some of them be controllers. */
  readonly kinds: Map<LockedPlan, ReadonlySet<HandlerKind>>;
}

function noFindings(): Findings {
  return { problems: new Set(), warnings: new Set(), kinds: new Map() };
}

/**
 * Checks every `@Locked` method of an application when it starts, and reaches out to objects that
 * Nest did not construct (`useFactory`, `useValue`). Never wraps a method.
 */
export class LockedExplorer implements OnModuleInit {
  private readonly logger = new Logger('RedisLock');
  private readonly seen = new WeakSet<InstanceWrapper>();

  /** @param name Whose methods are checked: those that take locks of this service. */
  constructor(
    private readonly name: string | undefined,
    private readonly service: LockService,
    private readonly discovery: DiscoveryService,
    private readonly loader: LazyModuleLoader,
  ) {}

  async onModuleInit(): Promise<void> {
    try {
      this.#check();
    } catch (error) {
      // Other modules' services, too: the application that would close them has not started.
      await Promise.all(this.#engines().map((each) => each.close()));
      throw error;
    }
    checkLazyModules(this.loader, () => this.#check());
  }

  /** Checks what it has not seen before. */
  #check(): void {
    const findings = noFindings();
    for (const each of this.discovery.getControllers()) this.#inspect(each, true, findings);
    for (const each of this.discovery.getProviders()) this.#inspect(each, false, findings);
    this.#checkTwins(findings.problems);
    this.#tell(findings);
  }

  #tell({ problems, warnings, kinds }: Findings): void {
    for (const [plan, its] of kinds) checkParts(plan, its).forEach((each) => problems.add(each));
    for (const warning of warnings) this.logger.warn(warning);
    if (problems.size > 0) throw new LockConfigError([...problems]);
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
      this.#tell({ ...found, warnings: new Set() });
    });
  }

  #inspectInstance(
    instance: unknown,
    wrapper: InstanceWrapper,
    isController: boolean,
    findings: Findings,
  ): void {
    if (typeof instance !== 'object' || instance === null) return;
    const { problems, warnings } = findings;
    const { locked, faults, overrides } = inspectMethods(instance);
    for (const fault of faults) problems.add(fault);
    for (const { owner, plan } of overrides.filter((each) => this.#keeps(each.plan))) {
      warnings.add(
        `${owner} overrides the @Locked method ${plan.owner} without @Locked: it runs unlocked.`,
      );
    }
    const prototype = Object.getPrototypeOf(instance) as object;
    for (const method of locked.filter((each) => this.#keeps(each.plan))) {
      const { plan } = method;
      const request = this.#checkOptions(plan, problems);
      if (wrapper.isNotMetatype) this.#provideService(instance, plan, problems);
      const decorated = { method: method.method, name: method.name, prototype, isController };
      const kinds = isCutOff(method) ? [] : this.#kindsOf(decorated);
      for (const each of adviceOn(method, request, kinds)) warnings.add(each);
      findings.kinds.set(plan, new Set([...(findings.kinds.get(plan) ?? []), ...kinds]));
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

  /** Locks of one name in two stores exclude nobody. */
  #checkTwins(problems: Set<string>): void {
    const token = getLockServiceToken(this.name);
    const own = this.discovery
      .getProviders()
      .filter((each) => each.token === token && !each.isAlias && each.instance !== undefined);
    if (new Set(own.map(({ instance }) => instance as unknown)).size < 2) return;
    const which = this.name === undefined ? 'without a name' : `named "${this.name}"`;
    problems.add(
      `${own.length} RedisLockModules ${which} are set up, and locks of one do not exclude those of ` +
        'the other. Call forRoot once, in the root module, or give each a name of its own.',
    );
  }

  #engines(): LateEngine[] {
    return this.discovery.getProviders().flatMap(({ instance }) => {
      const isObject = typeof instance === 'object' && instance !== null;
      return isObject ? (LockService.engineOf(instance as object) ?? []) : [];
    });
  }

  /** Options may be wrong only together with the module's. */
  #checkOptions(plan: LockedPlan, problems: Set<string>): LockRequest | undefined {
    const settings = LockService.engineOf(this.service)?.settings;
    try {
      return settings && plan.requestFor(settings);
    } catch (error) {
      if (!(error instanceof LockConfigError)) throw error;
      for (const problem of error.problems) problems.add(`@Locked on ${plan.owner}: ${problem}`);
      return undefined;
    }
  }

  /** Nest injects properties only into what it constructs. */
  #provideService(instance: object, plan: LockedPlan, problems: Set<string>): void {
    const other = (instance as Record<symbol, LockService | undefined>)[plan.property];
    const engine = other === this.service ? undefined : other && LockService.engineOf(other);
    if (engine?.closed === false) {
      problems.add(
        `@Locked on ${plan.owner}: another application that has not been closed uses the same object, ` +
          'whose locks are kept there. Give each application an object of its own.',
      );
    } else if (!Reflect.set(instance, plan.property, this.service)) {
      problems.add(
        `@Locked on ${plan.owner}: the object is frozen, no lock service can be put on it.`,
      );
    }
  }
}
