import { heldLockPositions } from '../locked/held-lock.decorator.js';
import { type LockedPlan, ownLockedPlanOf } from '../locked/plan.js';

/** A `@Locked` method as its class, or the nearest superclass that has it, defines it. */
export interface LockedMethod {
  readonly plan: LockedPlan;
  readonly name: string | symbol;
  readonly method: object;
  /** Whose own method it is. */
  readonly prototype: object;
}

/** The methods of an object that matter when an application starts. */
export interface MethodsFound {
  readonly locked: readonly LockedMethod[];
  readonly faults: readonly string[];
  /** Methods that are not locked because a subclass replaced them. */
  readonly overrides: readonly { readonly owner: string; readonly plan: LockedPlan }[];
}

/** What `@Locked` says of the methods of an object, from its own class upwards. */
export function inspectMethods(instance: object): MethodsFound {
  const locked: LockedMethod[] = [];
  const faults: string[] = [];
  const overrides: { owner: string; plan: LockedPlan }[] = [];
  const effective = new Map<string | symbol, { owner: string; locked: boolean }>();
  for (const prototype of prototypesFrom(Object.getPrototypeOf(instance) as object | null)) {
    for (const [name, method] of methodsOf(prototype)) {
      const plan = ownLockedPlanOf(prototype, name);
      const override = effective.get(name);
      if (override !== undefined) {
        if (plan && !override.locked) overrides.push({ owner: override.owner, plan });
        continue;
      }
      const owner = `${prototype.constructor.name}.${String(name)}`;
      effective.set(name, { owner, locked: plan !== undefined });
      if (plan !== undefined) locked.push({ plan, name, method, prototype });
      else if (heldLockPositions(prototype, name).length > 0) {
        faults.push(`@HeldLock on ${owner}: the method has no @Locked.`);
      }
    }
  }
  return { locked, faults, overrides };
}

/** A prototype and those above it, without that of all objects. */
export function prototypesFrom(first: object | null): object[] {
  const prototypes: object[] = [];
  let prototype = first;
  while (prototype !== null && prototype !== Object.prototype) {
    prototypes.push(prototype);
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return prototypes;
}

/** The methods that a prototype itself has. By descriptor: to read a property would call its getter. */
export function methodsOf(prototype: object): [name: string | symbol, method: object][] {
  return Reflect.ownKeys(prototype).flatMap((name) => {
    const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
    return typeof method === 'function' && name !== 'constructor' ? [[name, method]] : [];
  });
}
