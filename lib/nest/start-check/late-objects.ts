import type { DiscoveryService, LazyModuleLoader, ModuleRef } from '@nestjs/core';

/** What Nest knows of one provider or controller. */
export type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

type Factory = (...dependencies: unknown[]) => unknown;

/**
 * Shows every object that a factory makes from now on: one for each request, or for each provider
 * that asks for it. Nest injects nothing into these. An error of `show` fails the making.
 */
export function showWhatIsMade(wrapper: InstanceWrapper, show: (made: unknown) => void): void {
  const { metatype: factory } = wrapper as { metatype: unknown };
  if (!wrapper.isNotMetatype || wrapper.isAlias || typeof factory !== 'function') return;
  wrapper.metatype = async (...dependencies: unknown[]) => {
    const made = await (factory as Factory)(...dependencies);
    show(made);
    return made;
  };
}

/** Whether a lazy load beside this one has not finished the object: then the check after that load sees it. */
export function isBeingMade(wrapper: InstanceWrapper): boolean {
  const { instance } = wrapper as { instance: unknown };
  const isOne = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
  return isOne && (instance === undefined || instance === null);
}

/** Calls `check` after each load of a lazy module, also of one that was there; its error rejects the load. */
export function checkLazyModules(
  loader: LazyModuleLoader,
  check: (module: ModuleRef) => void,
): void {
  const load = loader.load.bind(loader);
  loader.load = async (...request) => {
    const module = await load(...request);
    check(module);
    return module;
  };
}
