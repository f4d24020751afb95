import type { LockedPlan } from '../locked/plan.js';
import type { HandlerKind } from './handler-kinds.js';

/** What each kind of handler is called, and which parts of a template its calls have. */
const HANDLERS: readonly { kind: HandlerKind; title: string; parts: readonly string[] }[] = [
  {
    kind: 'http',
    title: 'an HTTP handler',
    parts: ['params', 'query', 'body', 'headers', 'user', 'ip'],
  },
  { kind: 'rpc', title: 'an RPC handler', parts: ['data'] },
  { kind: 'ws', title: 'a WebSocket handler', parts: ['data'] },
  { kind: 'graphql', title: 'a GraphQL resolver', parts: ['gql'] },
  {
    kind: 'field',
    title: "a GraphQL field resolver without 'interceptors' in fieldResolverEnhancers",
    parts: [],
  },
];

/**
 * Finds the parts of a key that no call of the method can have.
 *
 * @param kinds All kinds of the method. A part that one of them has is no fault: where another leads
 * a call to the method, that call rejects.
 */
export function checkParts(plan: LockedPlan, kinds: ReadonlySet<HandlerKind>): string[] {
  if (kinds.has('unknown')) return [];
  const handlers = HANDLERS.filter(({ kind }) => kinds.has(kind));
  const parts = new Set(handlers.flatMap((each) => each.parts));
  const why =
    handlers.length === 0
      ? 'Nest routes no request or message to the method'
      : `the method is ${handlers.map(({ title }) => title).join(' and ')}`;
  const others = parts.size === 0 ? '' : `${[...parts].join(', ')} or `;
  return plan.key.templates.flatMap((template) =>
    template.contextParts
      .filter(({ root }) => !parts.has(root))
      .map(
        ({ text }) =>
          `@Locked on ${plan.owner}: key template ${JSON.stringify(template.text)} names {${text}}, ` +
          `which no call of it has: ${why}. Use ${others}the position of an argument, such as {0}.`,
      ),
  );
}
