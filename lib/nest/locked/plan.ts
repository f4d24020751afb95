import { LockConfigError } from '../../engine/api/errors.js';
import { resolveRequest } from '../../engine/api/lock-options.check.js';
import type { LockRequest, LockSettings } from '../../engine/api/lock-options.js';
import { LockedKey } from '../key/locked.key.js';
import type { LockedOptions, LockKeyFunction } from '../key/locked.options.js';
import { checkLockedOptions } from './options.check.js';
import { servicePropertyOf } from './service-property.js';

/** What one `@Locked` says, checked and parsed once: which lock, how, and where it is kept. */
export class LockedPlan {
  /** Name of the module that keeps the lock; `undefined` for the default one. */
  readonly service: string | undefined;
  /** Where an instance keeps that module's service. */
  readonly property: symbol;
  readonly skips: boolean;
  readonly key: LockedKey;
  readonly #options: LockedOptions;
  readonly #requests = new WeakMap<LockSettings, LockRequest>();

  /** The method's name as text. */
  readonly method: string;
  /** `Class.method`: who holds the lock, for people. */
  readonly owner: string;

  /** @throws {LockConfigError} All faults of the key and the options at once. */
  constructor(
    className: string,
    readonly name: string | symbol,
    key: string | readonly string[] | LockKeyFunction,
    options: LockedOptions,
  ) {
    this.method = String(name);
    this.owner = `${className}.${this.method}`;
    const problems = checkLockedOptions(options);
    this.key = new LockedKey(key, this.owner, problems);
    if (problems.length > 0) {
      throw new LockConfigError(problems.map((problem) => `@Locked on ${this.owner}: ${problem}`));
    }
    const { service, ifBusy, label = this.owner, ...others } = options;
    this.service = service;
    this.property = servicePropertyOf(service);
    this.skips = ifBusy === 'skip';
    this.#options = { ...others, label };
    // An option that is there without a value says as little as one that is left out.
    if (this.skips) this.#options.wait ??= 0;
  }

  /** How the lock is taken in one store: the options, with the module's defaults. */
  requestFor(settings: LockSettings): LockRequest {
    let request = this.#requests.get(settings);
    if (request === undefined) {
      request = resolveRequest(this.#options, settings, { template: this.key.template });
      this.#requests.set(settings, request);
    }
    return request;
  }
}

const PLAN = 'nestjs-redis-lock:plan';
const METHOD = 'nestjs-redis-lock:method';

/** What `@Locked` says of a method; `undefined` for any other function. */
export function lockedPlanOf(method: object): LockedPlan | undefined {
  return Reflect.getMetadata(PLAN, method) as LockedPlan | undefined;
}

/** What `@Locked` says of the method that `prototype` itself has under this name. */
export function ownLockedPlanOf(prototype: object, name: string | symbol): LockedPlan | undefined {
  return Reflect.getOwnMetadata(PLAN, prototype, name) as LockedPlan | undefined;
}

/**
 * Whether a decorator above `@Locked` put a function of its own in the place of the method that
 * `prototype` has under this name.
 */
export function isWrapped(prototype: object, name: string | symbol, method: object): boolean {
  return Reflect.getOwnMetadata(METHOD, prototype, name) !== method;
}

/** Attaches a plan to the method that it is for. */
export function setLockedPlan(
  plan: LockedPlan,
  prototype: object,
  name: string | symbol,
  method: object,
): void {
  Reflect.defineMetadata(PLAN, plan, method);
  Reflect.defineMetadata(PLAN, plan, prototype, name);
  Reflect.defineMetadata(METHOD, method, prototype, name);
}
