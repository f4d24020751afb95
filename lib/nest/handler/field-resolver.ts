import { Logger } from '@nestjs/common';
import { isLockError } from '../../engine/api/errors.js';
import { graphqlErrorOf } from '../errors/mapper.js';
import { logFault } from '../errors/public.js';

/** Metadata of `@ResolveField` and `@ResolveReference`, from graphql.constants.js of @nestjs/graphql. */
const FIELD_RESOLVERS = ['graphql:resolve_property', 'graphql:resolve_reference'];

/**
 * Whether GraphQL calls the method for a field of an object. Unless an application says otherwise
 * (`fieldResolverEnhancers`) such calls pass no interceptors and no filters.
 */
export function isFieldResolver(method: object): boolean {
  return FIELD_RESOLVERS.some((key) => Reflect.hasMetadata(key, method));
}

/** What a method rejects with that no interceptor runs around: for GraphQL what its client may see. */
export function errorOfField(method: object, error: unknown): unknown {
  if (!isLockError(error) || !isFieldResolver(method)) return error;
  logFault(error, new Logger('RedisLock'));
  return graphqlErrorOf(error);
}
