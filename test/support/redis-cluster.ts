import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { eventually } from './eventually.js';
import { RedisServer } from './redis-server.js';
import { freePort, makeTemporaryDirectory, removeTemporaryDirectory } from './spawn-redis.mjs';

const MASTERS = 3;
const SLOTS = 16_384;
const FAILOVER_MS = 6000;

export interface RedisClusterOptions {
  /** More command-line options of the node on this port. */
  readonly argsOf?: (port: number) => readonly string[];
  /** After how long a silent node counts as failed; milliseconds. @default 1_000 */
  readonly nodeTimeout?: number;
  /** Options of the clients with which nodes are administered, e.g. TLS. */
  readonly admin?: Readonly<Record<string, unknown>>;
}

/** One node of a test's Cluster. */
export interface ClusterMember {
  readonly id: string;
  readonly server: RedisServer;
  /** A client for this node alone. */
  readonly client: Redis;
}

/**
 * A real Redis Cluster of a test: three masters, each with a replica, on loopback.
 *
 * Its nodes read the finished layout when they start, so that it is up as soon as a Cluster can
 * be: a master takes no writes in its first two seconds.
 */
export class RedisCluster {
  private constructor(
    /** The three that own the slots at first; their replicas follow in the same order. */
    readonly members: readonly ClusterMember[],
    private readonly dir: string,
  ) {}

  /** Starts a Cluster; resolves when it takes writes, after about 2.5 s. */
  static async start(options: RedisClusterOptions = {}): Promise<RedisCluster> {
    const dir = makeTemporaryDirectory();
    const plan = await Promise.all(
      Array.from({ length: MASTERS * 2 }, async (_, i) => ({
        id: randomBytes(20).toString('hex'),
        port: await freePort(),
        file: join(dir, `nodes-${i}.conf`),
      })),
    );
    for (const [i, { file }] of plan.entries()) writeFileSync(file, layout(plan, i));
    const members = await Promise.all(
      plan.map(async ({ id, port, file }) => {
        const args = [
          ...nodeArgs(file, options.nodeTimeout ?? 1000),
          ...(options.argsOf?.(port) ?? []),
        ];
        const server = await RedisServer.start({ port, args });
        const client = new Redis({
          port,
          retryStrategy: () => 50,
          disconnectTimeout: 0,
          ...options.admin,
        });
        client.on('error', () => {});
        return { id, server, client };
      }),
    );
    const cluster = new RedisCluster(members, dir);
    await cluster.healthy();
    return cluster;
  }

  /** Where a client starts. */
  get nodes(): { host: string; port: number }[] {
    return this.members.slice(0, MASTERS).map(({ server }) => at(server.port));
  }

  /** Resolves when every running node is content and every replica is in step, and known to its master. */
  async healthy(within = 45_000): Promise<void> {
    const running = this.members.filter(({ server }) => server.isRunning);
    const isWhole = running.length === this.members.length;
    const check = async (member: ClusterMember): Promise<void> => {
      const { client } = member;
      const info = `${await client.cluster('INFO')}${await client.info('replication')}`;
      if (!info.includes('cluster_state:ok') || info.includes('master_link_status:down'))
        throw new Error(`A node is not well:\n${info}`);
      // One that was away still takes itself for the master that it was, without a replica.
      if (isWhole && info.includes('role:master')) await this.replicaOf(member);
    };
    await eventually(() => Promise.all(running.map(check)), { within, every: 50 });
  }

  /** The node that owns `slot` in the eyes of the first that runs. */
  async ownerOf(slot: number): Promise<ClusterMember> {
    const asked = this.members.find(({ server }) => server.isRunning);
    const ranges = (await asked?.client.cluster('SLOTS')) ?? [];
    const range = ranges.find(([from, to]) => slot >= from && slot <= to);
    const member = this.members.find(({ server }) => server.port === range?.[2]?.[1]);
    if (member === undefined) throw new Error(`Slot ${slot} has no owner.`);
    return member;
  }

  /** The replica of a master. */
  async replicaOf(master: ClusterMember): Promise<ClusterMember> {
    const [line] = (await master.client.call('CLUSTER', 'REPLICAS', master.id)) as string[];
    const member = this.members.find(({ id }) => line?.startsWith(id));
    if (member === undefined) throw new Error(`Node ${master.server.port} has no replica.`);
    return member;
  }

  /** Makes the replica of `master` master in its place, in agreement with it. */
  async failover(master: ClusterMember): Promise<ClusterMember> {
    const replica = await this.replicaOf(master);
    let askedAt = -Infinity;
    await eventually(
      async () => {
        // An agreement that takes longer than five seconds is given up by the nodes.
        if (performance.now() - askedAt > FAILOVER_MS) {
          askedAt = performance.now();
          await replica.client.cluster('FAILOVER');
        }
        await this.#isMaster(replica);
      },
      { within: 30_000 },
    );
    return replica;
  }

  /** Resolves when a node has become a master, since its own one is gone or hangs. */
  async promoted(member: ClusterMember): Promise<void> {
    await eventually(() => this.#isMaster(member), { within: 45_000 });
  }

  /** Moves a slot with all its keys, as a resharding does, pausing `eachMs` after each key. */
  async migrateSlot(slot: number, to: ClusterMember, eachMs = 0): Promise<void> {
    const from = await this.ownerOf(slot);
    await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);
    for (;;) {
      const [key] = await from.client.cluster('GETKEYSINSLOT', slot, 1);
      if (key === undefined) break;
      await from.client.migrate('127.0.0.1', to.server.port, key, 0, 5000);
      if (eachMs > 0) await new Promise((resolve) => setTimeout(resolve, eachMs));
    }
    await to.client.cluster('SETSLOT', slot, 'NODE', to.id);
    await from.client.cluster('SETSLOT', slot, 'NODE', to.id);
    // A replica that has not heard of it and takes over would claim the slot for the old owner.
    for (const { client } of this.members) await this.#knowsOwner(client, slot, to);
  }

  async #isMaster({ client, server }: ClusterMember): Promise<void> {
    if (!(await client.info('replication')).includes('role:master'))
      throw new Error(`Node ${server.port} is no master yet.`);
  }

  async #knowsOwner(client: Redis, slot: number, owner: ClusterMember): Promise<void> {
    await eventually(
      async () => {
        const range = (await client.cluster('SLOTS')).find(([a, b]) => slot >= a && slot <= b);
        if (range?.[2]?.[1] !== owner.server.port)
          throw new Error(`Slot ${slot} is elsewhere yet.`);
      },
      { within: 30_000 },
    );
  }

  async stop(): Promise<void> {
    for (const { client } of this.members) client.disconnect();
    await Promise.all(this.members.map(({ server }) => server.stop()));
    removeTemporaryDirectory(this.dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function at(port: number): { host: string; port: number } {
  return { host: '127.0.0.1', port };
}

function nodeArgs(file: string, nodeTimeout: number): string[] {
  return [
    ...['--cluster-enabled', 'yes', '--cluster-config-file', file],
    ...['--cluster-node-timeout', `${nodeTimeout}`, '--cluster-replica-validity-factor', '0'],
    ...['--cluster-allow-replica-migration', 'no'],
    // A full resynchronization would else wait for five seconds first.
    ...['--repl-diskless-sync-delay', '0'],
  ];
}

/** What node `self` knows of all when it starts. */
function layout(nodes: readonly { id: string; port: number }[], self: number): string {
  const lines = nodes.map(({ id, port }, i) => {
    const flags = `${i === self ? 'myself,' : ''}${i < MASTERS ? 'master' : 'slave'}`;
    const master = i < MASTERS ? '-' : nodes[i - MASTERS]?.id;
    const epoch = (i % MASTERS) + 1;
    const range = `${bound(i)}-${bound(i + 1) - 1}`;
    const address = `127.0.0.1:${port}@${port + 10_000}`;
    return `${id} ${address} ${flags} ${master} 0 0 ${epoch} connected ${i < MASTERS ? range : ''}`;
  });
  return `${lines.map((line) => line.trimEnd()).join('\n')}\nvars currentEpoch ${MASTERS} lastVoteEpoch 0\n`;
}

/** The first slot of master `i`. */
function bound(i: number): number {
  return Math.floor((SLOTS * i) / MASTERS);
}
