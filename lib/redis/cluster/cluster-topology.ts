import type { LockError } from '../../engine/api/errors.js';
import { NotAppliedError, type StoreTrouble } from '../../engine/store/lock-store.js';
import { RedisConnection } from '../client/redis-connection.js';
import type { ServerSettings } from '../servers/lock-servers.js';
import type { ClusterClients } from './cluster-clients.js';
import { troubleOf } from '../client/redis-errors.js';
import { type ClusterLayout, layoutUnknown, readLayout } from './cluster-layout.js';
import { ClusterNode, type ClusterNodeHooks } from './cluster-node.js';

/** How many nodes are asked for the layout at once: one of them may hang. */
const ASKED_AT_ONCE = 2;

/**
 * The nodes of a Cluster that are in use, and which slot each owns. Asks for the layout at the
 * start, when a connection is lost, and when a node says that it is out of date.
 */
export class ClusterTopology {
  #owners: (string | undefined)[] = [];
  #known: ReadonlySet<string>;
  readonly #nodes = new Map<string, ClusterNode>();
  #refreshing: Promise<void> | undefined;
  /** Why the layout could not be learned, node by node, when it was last asked for. */
  #failures: readonly Error[] = [];
  #closed = false;
  /** Connections for one question, while it is asked. */
  readonly #strangers = new Set<RedisConnection>();

  constructor(
    private readonly clients: ClusterClients,
    private readonly options: ServerSettings,
    private readonly hooks: Omit<ClusterNodeHooks, 'closed'> & {
      /** Nobody has told the layout yet, and here is why. */
      readonly unreachable: (trouble: StoreTrouble) => void;
      /** Slots have another owner. */
      readonly changed: () => void;
    },
  ) {
    this.#known = new Set(clients.seeds);
    void this.refresh();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  ownerOf(slot: number): ClusterNode | undefined {
    const name = this.#owners[slot];
    return name === undefined ? undefined : this.nodeAt(name);
  }

  /** All that own slots. */
  owners(): ClusterNode[] {
    const names = new Set(this.#owners);
    return [...names].flatMap((name) => (name === undefined ? [] : [this.nodeAt(name)]));
  }

  /** Everything that is connected. */
  get nodes(): Iterable<ClusterNode> {
    return this.#nodes.values();
  }

  nodeAt(name: string): ClusterNode {
    let node = this.#nodes.get(name);
    if (node === undefined) {
      const open = () => this.clients.open(name);
      const hooks = { ...this.hooks, closed: () => void this.refresh() };
      node = new ClusterNode(name, open, this.options, hooks);
      if (this.#closed) node.close();
      else this.#nodes.set(name, node);
    }
    return node;
  }

  /** A node said who owns the slot; others may have moved with it. */
  moved(slot: number, name: string): void {
    if (this.#owners[slot] === name) return;
    this.#owners[slot] = name;
    this.hooks.changed();
    void this.refresh();
  }

  /** Why no owner is known. */
  whyUnknown(key: string): LockError {
    return layoutUnknown(key, this.#failures);
  }

  /** Asks for the layout, once for all that want to know; what can't be learned stays as it was. */
  refresh(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return (this.#refreshing ??= this.#ask().finally(() => (this.#refreshing = undefined)));
  }

  close(): void {
    this.#closed = true;
    for (const node of this.#nodes.values()) node.close();
    for (const connection of this.#strangers) connection.close();
  }

  async #ask(): Promise<void> {
    const ready = [...this.#nodes.values()].filter(({ isReady }) => isReady);
    const some = ready.sort(() => this.options.clock.random() - 0.5).slice(0, ASKED_AT_ONCE);
    const asked = some.map(({ name, commands }) => this.#layoutOf(name, commands));
    const layout =
      (await Promise.any(asked).catch(() => undefined)) ?? (await this.#askStrangers());
    if (layout !== undefined && !this.#closed) this.#apply(layout);
  }

  /** Asks every address that is known, over connections for this question alone. */
  async #askStrangers(): Promise<ClusterLayout | undefined> {
    // Those that were asked first may have failed because they were closed.
    if (this.#closed) return undefined;
    const names = new Set([...this.#known, ...this.clients.seeds]);
    const connections: RedisConnection[] = [];
    const answers = [...names].map((name) => {
      const client = this.clients.open(name);
      const connection = new RedisConnection(client, this.options, {
        ready: () => {},
        troubled: (trouble) => this.#tell(trouble),
      });
      connections.push(connection);
      this.#strangers.add(connection);
      return this.#layoutOf(name, connection);
    });
    const layout = await Promise.any(answers).catch((failed: AggregateError) => {
      this.#failures = failed.errors;
      for (const trouble of this.#failures.map(troubleOf)) if (trouble) this.#tell(trouble);
      return undefined;
    });
    for (const connection of connections) {
      connection.close();
      this.#strangers.delete(connection);
    }
    return layout;
  }

  async #layoutOf(name: string, connection: RedisConnection): Promise<ClusterLayout> {
    const { reply } = await connection.send<Parameters<typeof readLayout>[0]>('', (client) =>
      client.cluster('SLOTS'),
    );
    const layout = readLayout(reply, name, (node) => this.clients.reach(node));
    if (layout.nodes.size === 0)
      throw new NotAppliedError([], '', new Error(`${name} knows of no slots.`), [name]);
    return layout;
  }

  #tell(trouble: StoreTrouble): void {
    if (this.#owners.length > 0) this.hooks.troubled(trouble);
    else this.hooks.unreachable(trouble);
  }

  #apply({ owners, nodes }: ClusterLayout): void {
    const changed = this.#owners.length > 0 && differ(this.#owners, owners);
    this.#owners = [...owners];
    this.#known = nodes;
    for (const [name, node] of this.#nodes) {
      if (nodes.has(name)) continue;
      this.#nodes.delete(name);
      node.close();
    }
    this.owners();
    if (changed) this.hooks.changed();
  }
}

function differ(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before.length !== after.length || before.some((owner, slot) => owner !== after[slot]);
}
