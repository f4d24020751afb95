import { isFieldResolver } from '../handler/field-resolver.js';

/**
 * Who leads calls to a method, as `ExecutionContext.getType()` names it; `field` is a resolver of
 * GraphQL that passes no interceptors; `unknown` may be somebody who is not of Nest. A method without
 * kinds is called by other code only.
 */
export type HandlerKind = 'http' | 'rpc' | 'ws' | 'graphql' | 'field' | 'unknown';

/** A method of an instance, as its decorators left it. */
export interface DecoratedMethod {
  readonly method: object;
  readonly name: string | symbol;
  /** Of the instance, whose class may have inherited the method. */
  readonly prototype: object;
  /** Whether the module lists the class as a controller: routes and patterns elsewhere are ignored. */
  readonly isController: boolean;
}

// The keys are copied: deep imports of Nest are closed, and three of the packages are optional.
// Sources: constants.js of @nestjs/common, @nestjs/microservices and @nestjs/websockets,
// graphql.constants.js of @nestjs/graphql.
const ROUTE_PATH = 'path';
const PATTERN_HANDLER = 'microservices:handler_type';
const GATEWAY = 'websockets:is_gateway';
const SUBSCRIBED_MESSAGE = 'websockets:message_mapping';
const RESOLVER_TYPE = 'graphql:resolver_type';

/** `@Resolver('Query')` makes every method of the class a resolver. */
const ROOT_TYPES: ReadonlySet<unknown> = new Set(['Query', 'Mutation', 'Subscription']);

/** Metadata that leads no call to a method whose kinds are none: of this package and of TypeScript. */
const LEADS_NOWHERE = [
  /^(nestjs-redis-lock|design):/,
  // @nestjs/common: guards and the like, and routes outside of controllers
  /^(path|method|__(guards|interceptors|pipes|exceptionFilters|routeArguments)__)$/,
  // Handlers outside of controllers and gateways
  /^(microservices:|websockets:|message$)/,
  // schedule.constants.js of @nestjs/schedule, constants.js of @nestjs/event-emitter,
  // bull.constants.js of @nestjs/bullmq and @nestjs/bull: their calls pass no interceptor.
  /^(SCHEDULER?_|EVENT_LISTENER_METADATA$|bull(mq)?:)/,
];

/** Tells from the metadata that decorators leave who leads calls to a method; several may. */
export function handlerKindsOf(decorated: DecoratedMethod): readonly HandlerKind[] {
  const { method, prototype, isController } = decorated;
  const kinds: HandlerKind[] = [];
  if (isController && Reflect.hasMetadata(ROUTE_PATH, method)) kinds.push('http');
  if (isController && Reflect.hasMetadata(PATTERN_HANDLER, method)) kinds.push('rpc');
  const isGateway = Reflect.hasMetadata(GATEWAY, prototype.constructor);
  if (isGateway && Reflect.hasMetadata(SUBSCRIBED_MESSAGE, method)) kinds.push('ws');
  if (isRootResolver(decorated)) kinds.push('graphql');
  else if (isFieldResolver(method)) kinds.push('field');
  return kinds.length === 0 && mayBeLedTo(decorated) ? ['unknown'] : kinds;
}

function isRootResolver({ method, prototype }: DecoratedMethod): boolean {
  const types = [method, prototype.constructor].map((of) => Reflect.getMetadata(RESOLVER_TYPE, of));
  return types.some((type) => ROOT_TYPES.has(type));
}

/** Any decorator that is not known may be that of a transport. */
function mayBeLedTo({ method, name, prototype }: DecoratedMethod): boolean {
  const keys: readonly unknown[] = [
    ...Reflect.getMetadataKeys(method),
    ...Reflect.getMetadataKeys(prototype, name),
    ...Reflect.getMetadataKeys(prototype.constructor, name),
  ];
  return keys.some((key) => !LEADS_NOWHERE.some((known) => known.test(String(key))));
}
