import type { ExecutionContext } from '@nestjs/common';
import type { LockedCall } from './locked.options.js';
import type { TemplatePart } from './parser.js';
import { faultOf, followPath, isInstance } from './part-value.js';

/** Parts that hold what the client sent; `user` and `ip` are the application's own. */
const SENT: ReadonlySet<string> = new Set(['params', 'query', 'body', 'headers', 'data', 'gql']);

/** In these a client can't send an object where the application takes one value: they are text, or have a schema. */
const ONE_VALUE: ReadonlySet<string> = new Set(['params', 'headers', 'gql']);

/** Where Nest keeps what the parameters of a handler are, by class and method. */
const ROUTE_ARGUMENTS = '__routeArguments__';

const PAYLOAD = '3';
/** The part that a parameter decorator reads, by transport and by Nest's number of the decorator. */
const SOURCES: Record<string, Record<string, string>> = {
  http: { 3: 'body', 4: 'query', 5: 'params', 6: 'headers' },
  rpc: { 3: 'data' },
  ws: { 3: 'data' },
  graphql: { 3: 'gql' },
};

/** Position of what the client sent, in a handler whose parameters have no decorators. */
const SENT_AT: Record<string, number> = { rpc: 0, ws: 1, graphql: 1 };

/** Where the value of a part comes from in the request. */
interface Source {
  readonly root: string;
  /** How its sender knows it. */
  readonly name: string;
  /** Whether a pipe of the parameter has made it what it is; others may have as well. */
  readonly piped: boolean;
  /** What the client sent for the parameter; `undefined` for a part of the request itself. */
  readonly argument?: unknown;
}

/**
 * Tells what a request lacks or has wrong, as a sentence for its sender; `undefined` when the fault
 * is the application's: it reads its own values, made an object of them, or did not parse the body.
 *
 * @param value What stood where the part is read, and can't be a part of a key.
 * @param args What the method is called with.
 */
export function requestFaultOf(
  part: TemplatePart,
  value: unknown,
  call: LockedCall,
  args: readonly unknown[],
): string | undefined {
  const { context } = call;
  if (context === undefined) return undefined;
  const source = sourceOf(part, context, call);
  if (source === undefined || isUnparsed(source.root, context)) return undefined;
  // A stream of messages, a buffer: nobody can send what has such a part.
  if (SENT.has(part.root) && isInstance(call[part.root as keyof LockedCall])) return undefined;
  if (value === undefined && isUnknownToRoute(source, context)) return undefined;
  if (isNothing(value))
    return isLacking(source, value, part, args) ? `This request lacks ${source.name}.` : undefined;
  if (source.piped || isInstance(value) || isOfRoute(source.root, value)) return undefined;
  // One value was sent, and a pipe of the method or of all made an object of it.
  if (typeof value === 'object' && faultOf(sentAt(source, part)) === undefined) return undefined;
  return `In this request ${source.name} is ${faultOf(value)}; one value is needed.`;
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** Whether the client sent nothing there, rather than a pipe made nothing of what it sent. */
function isLacking(
  source: Source,
  value: unknown,
  part: TemplatePart,
  args: readonly unknown[],
): boolean {
  const { argument } = source;
  if (isNothing(argument)) return true;
  // Unless it is what was sent, a pipe has loaded what the one value stands for.
  if (typeof argument !== 'object')
    return !ONE_VALUE.has(source.root) && args[Number(part.root)] === argument;
  const sent = sentAt(source, part);
  return isNothing(sent) && (value === undefined || sent !== undefined);
}

function sentAt({ argument }: Source, { path }: TemplatePart): unknown {
  return followPath(argument, path);
}

/** Whether the path of the route does not name a parameter: no client can send it. */
function isUnknownToRoute({ root, name }: Source, context: ExecutionContext): boolean {
  if (root !== 'params' || context.getType() !== 'http') return false;
  const { route, routeOptions } = context.switchToHttp().getRequest<MatchedRequest>();
  const path = route?.path ?? routeOptions?.url;
  const [, parameter = ''] = name.split('.');
  const named = new RegExp(`[:*]"?${parameter.replaceAll(/\W/g, '\\$&')}(?!\\w)`);
  return typeof path === 'string' && !named.test(path);
}

/** A request as Express, or Fastify, leaves it when the route is found. */
interface MatchedRequest {
  readonly route?: { readonly path?: unknown };
  readonly routeOptions?: { readonly url?: unknown };
}

/** The same of a value that is too long for a key. */
export function lengthFaultOf(part: TemplatePart, call: LockedCall): string | undefined {
  const source = call.context && sourceOf(part, call.context, call);
  if (source === undefined || source.piped) return undefined;
  return `In this request ${source.name} is too long.`;
}

/** A wildcard of the route's path makes arrays of whatever is sent. */
function isOfRoute(root: string, value: unknown): boolean {
  return root === 'params' && Array.isArray(value);
}

function sourceOf(
  part: TemplatePart,
  context: ExecutionContext,
  call: LockedCall,
): Source | undefined {
  if (SENT.has(part.root)) return { root: part.root, name: part.text, piped: false };
  const { kind, data, pipes = [] } = parameterOf(part, context, call.method);
  const root = SOURCES[context.getType<string>()]?.[kind];
  if (root === undefined) return undefined;
  const read = typeof data === 'string' ? [data] : [];
  // Node lower-cases the names of the headers that it receives.
  const path = root === 'headers' ? read.map((each) => each.toLowerCase()) : read;
  const argument = followPath(call[root as keyof LockedCall], path);
  // Without the one thing that the parameter reads nobody would know of a path inside of it.
  const inside = read.length > 0 && isNothing(argument) ? [] : part.path;
  const name = [root, ...read, ...inside].join('.');
  return { root, name, piped: pipes.length > 0, argument };
}

/** What decorators, or Nest itself without any, read for a positional part. */
function parameterOf(part: TemplatePart, context: ExecutionContext, method: string): Parameter {
  const parameters = Reflect.getMetadata(ROUTE_ARGUMENTS, context.getClass(), method) as
    Record<string, Omit<Parameter, 'kind'> & { readonly index: number }> | undefined;
  if (parameters === undefined) {
    return { kind: SENT_AT[context.getType<string>()] === Number(part.root) ? PAYLOAD : '' };
  }
  const found = Object.entries(parameters).find(([, { index }]) => index === Number(part.root));
  return found === undefined ? { kind: '' } : { ...found[1], kind: found[0].split(':')[0] ?? '' };
}

interface Parameter {
  /** Nest's number of the decorator. */
  readonly kind: string;
  /** What is read of it, such as the name of a parameter of the route. */
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
}

/** Whether the request has a body that nobody has read so far (multipart, XML, …). */
function isUnparsed(root: string, context: ExecutionContext): boolean {
  if (root !== 'body' || context.getType() !== 'http') return false;
  const { body, headers = {} } = context
    .switchToHttp()
    .getRequest<{ body?: unknown; headers?: Record<string, string | undefined> }>();
  const isSent = Number(headers['content-length'] ?? 0) > 0 || 'transfer-encoding' in headers;
  if (!isSent) return false;
  const isJson = /[/+]json\b/.test(headers['content-type'] ?? '');
  const isEmpty = typeof body === 'object' && body !== null && Object.keys(body).length === 0;
  return body === undefined || isInstance(body) || (isEmpty && !isJson);
}
