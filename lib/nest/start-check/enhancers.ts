import type { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from './late-objects.js';

/** Guards, interceptors, pipes, filters and middleware: Nest keeps what it makes of them beside the providers. */
export function enhancersIn(modules: ModulesContainer): InstanceWrapper[] {
  return [...modules.values()].flatMap(({ injectables, middlewares }) => [
    ...injectables.values(),
    ...(middlewares.values() as Iterable<InstanceWrapper>),
  ]);
}
