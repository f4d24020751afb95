import { LockConfigError, type LockError, LockUnavailableError } from '../../engine/api/errors.js';
import { NotAppliedError } from '../../engine/store/lock-store.js';

/** Which node owns each slot, as one node of the Cluster tells it. Nodes are `host:port`. */
export interface ClusterLayout {
  /** By slot; a slot that nobody owns is missing. */
  readonly owners: readonly (string | undefined)[];
  /** All that keep data: masters and replicas. */
  readonly nodes: ReadonlySet<string>;
}

/** Host and port of a node. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

type SlotRange = readonly [
  from: number,
  to: number,
  ...nodes: (readonly [string | null, number])[],
];

/**
 * Reads the reply of `CLUSTER SLOTS`.
 *
 * @param asked The node that answered; one that does not know its own name leaves it out.
 * @param reach How a node is reached from here, when not under the name that the Cluster knows.
 */
export function readLayout(
  ranges: readonly SlotRange[],
  asked: string,
  reach: (node: string) => string,
): ClusterLayout {
  const owners: (string | undefined)[] = [];
  const nodes = new Set<string>();
  for (const [from, to, ...members] of ranges) {
    const [owner, ...replicas] = members.map(([host, port]) => reach(nameOf(host, port, asked)));
    for (const replica of replicas) nodes.add(replica);
    if (owner === undefined) continue;
    nodes.add(owner);
    for (let slot = from; slot <= to; slot += 1) owners[slot] = owner;
  }
  return { owners, nodes };
}

/**
 * Why nobody tells which node keeps a lock.
 *
 * @param failures What each node that was asked for the layout failed with.
 */
export function layoutUnknown(key: string, failures: readonly Error[]): LockError {
  const known = failures.filter((error) => error instanceof LockUnavailableError);
  const nodes = [...new Set(known.flatMap((error) => error.nodes))];
  const alone = known.find((error) => causeOf(error).includes('cluster support disabled'));
  if (alone !== undefined) {
    const fault = `connection leads to ${alone.nodes.join()}, which is no node of a Redis Cluster; write its URL, or { host, port }, as connection.`;
    return new LockConfigError([fault], [key], alone.cause);
  }
  const cause = known.find((error) => error.cause !== undefined)?.cause;
  const why = 'no node of the Redis Cluster that keeps it can be reached.';
  return new NotAppliedError([key], why, cause, nodes);
}

/** Where a node of the Cluster wants a command to go instead. */
export interface Redirection {
  /** `moved`: for good; `ask`: this time; `wait`: nowhere yet; `down`: nobody serves the slot. */
  readonly kind: 'moved' | 'ask' | 'wait' | 'down';
  readonly node: string;
}

/** What the server said when a command failed. */
export function causeOf(error: unknown): string {
  const { cause } = error as Error;
  return cause instanceof Error ? cause.message : '';
}

/** Reads what a node refused a command with; `undefined`: for a reason that is no redirection. */
export function readRedirection(message: string, asked: string): Redirection | undefined {
  const [, code = '', node = ''] =
    /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)(?: \d+ (\S+))?/.exec(message) ?? [];
  if (code === 'TRYAGAIN') return { kind: 'wait', node: asked };
  if (code === 'CLUSTERDOWN') return { kind: 'down', node: asked };
  if (node === '') return undefined;
  const { host, port } = addressOf(node);
  return { kind: code === 'MOVED' ? 'moved' : 'ask', node: nameOf(host, port, asked) };
}

/** Splits `host:port`; an IPv6 host has colons of its own. */
export function addressOf(node: string): NodeAddress {
  const colon = node.lastIndexOf(':');
  return { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) };
}

function nameOf(host: string | null, port: number, asked: string): string {
  const known = host === null || host === '' || host === '?' ? addressOf(asked).host : host;
  return `${known}:${port}`;
}
