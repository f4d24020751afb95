import type { ExecutionContext } from '@nestjs/common';
import { ContextIdFactory, type ModulesContainer } from '@nestjs/core';
import type { LockedCall } from './locked.options.js';

/** A call that Nest routed to a handler, as templates and key functions see it. */
export function callOf(
  context: ExecutionContext,
  method: string,
  modules: ModulesContainer,
): LockedCall {
  const call = {
    args: context.getArgs(),
    get target() {
      return handlerInstance(context, modules);
    },
    method,
    context,
  };
  return Object.assign(call, partsOf(context));
}

function partsOf(context: ExecutionContext): Partial<LockedCall> {
  switch (context.getType<string>()) {
    case 'http': {
      const { params, query, body, headers, user, ip } = context.switchToHttp().getRequest();
      return { params, query, body, headers, user, ip };
    }
    case 'rpc':
      return { data: context.switchToRpc().getData() };
    case 'ws':
      return { data: context.switchToWs().getData() };
    case 'graphql':
      return { gql: context.getArgByIndex(1) };
    default:
      return {};
  }
}

/** Where Nest finds the context of a request-scoped handler, by transport. */
const REQUEST_POSITION: Record<string, number> = { http: 0, ws: 0, graphql: 2 };

/** An execution context names the class only; the container knows its instance. */
function handlerInstance(context: ExecutionContext, modules: ModulesContainer): object {
  const target = context.getClass();
  const wrappers = [...modules.values()].flatMap(({ controllers, providers }) => [
    controllers.get(target),
    providers.get(target),
  ]);
  const wrapper = wrappers.find((each) => each !== undefined);
  if (wrapper === undefined) return target.prototype as object;
  if (wrapper.isDependencyTreeStatic()) return wrapper.instance as object;
  const request: object = context.getArgByIndex(REQUEST_POSITION[context.getType<string>()] ?? 0);
  return wrapper.getInstanceByContextId(ContextIdFactory.getByRequest(request)).instance as object;
}
