import { randomBytes } from 'node:crypto';

import { Redis } from 'ioredis';

import { eventually } from './eventually.js';
import { RedisServer } from './redis-server.js';
import { freePort } from './spawn-redis.mjs';

const NAME = 'locks';
const QUORUM = 2;
/** A Sentinel whose timers come late mistrusts its clock, and does nothing for half a minute (TILT). */
const LONGEST_MS = 90_000;

export interface RedisSentinelOptions {
  /** After how long a silent server counts as down; milliseconds. @default 1_500 */
  readonly downAfter?: number;
  /** More command-line options of the data servers. */
  readonly args?: readonly string[];
}

/** A real primary with two replicas, watched by three Sentinels, on loopback. */
export class RedisSentinel {
  /** What the primary is called. */
  readonly name = NAME;

  private constructor(
    readonly servers: readonly RedisServer[],
    readonly sentinels: readonly RedisServer[],
    private readonly admins: ReadonlyMap<number, Redis>,
  ) {}

  /** Starts everything; resolves when the Sentinels agree and the replicas are in step. */
  static async start({
    downAfter = 1500,
    args = [],
  }: RedisSentinelOptions = {}): Promise<RedisSentinel> {
    const primary = await RedisServer.start({ args: ['--repl-diskless-sync-delay', '0', ...args] });
    const follow = ['--replicaof', `127.0.0.1 ${primary.port}`, '--repl-diskless-sync-delay', '0'];
    const replicas = await Promise.all(
      [1, 2].map(() => RedisServer.start({ args: [...follow, ...args] })),
    );
    const plan = await Promise.all(
      [1, 2, 3].map(async () => ({ id: randomBytes(20).toString('hex'), port: await freePort() })),
    );
    const sentinels = await Promise.all(
      plan.map((self) => {
        const config = configOf(self, plan, primary.port, downAfter);
        return RedisServer.start({ port: self.port, config, args: ['--sentinel'] });
      }),
    );
    const servers = [primary, ...replicas];
    const admins = new Map([...servers, ...sentinels].map(({ port }) => [port, adminOf(port)]));
    const group = new RedisSentinel(servers, sentinels, admins);
    await group.healthy();
    return group;
  }

  /** The options of a client. */
  get options(): { sentinels: { host: string; port: number }[]; name: string } {
    return this.optionsVia(this.sentinels);
  }

  /** The same, with these Sentinels, asked in this order at first. */
  optionsVia(sentinels: readonly { readonly port: number }[]): RedisSentinel['options'] {
    return { sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })), name: NAME };
  }

  /** A client for one server alone. */
  admin(server: RedisServer): Redis {
    const admin = this.admins.get(server.port);
    if (admin === undefined) throw new Error(`There is no server on port ${server.port}.`);
    return admin;
  }

  /** The primary in the eyes of the first Sentinel. */
  async primary(): Promise<RedisServer> {
    const [sentinel] = this.sentinels;
    const address = await this.admin(sentinel!).call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME);
    const port = Number((address as string[])[1]);
    const server = this.servers.find((one) => one.port === port);
    if (server === undefined) throw new Error(`The Sentinels know a stranger on port ${port}.`);
    return server;
  }

  /** Makes replicas of old primaries, which takes Sentinel ten seconds; then as `healthy`. */
  async settle(): Promise<void> {
    const primary = await this.primary();
    for (const server of this.servers) {
      if (server === primary || !server.isRunning) continue;
      await this.admin(server).replicaof('127.0.0.1', primary.port);
    }
    await this.healthy();
  }

  /** Resolves when the Sentinels agree and every running replica is in step. */
  async healthy(within = LONGEST_MS): Promise<void> {
    await eventually(
      async () => {
        const primary = await this.primary();
        for (const sentinel of this.sentinels) {
          await this.admin(sentinel).call('SENTINEL', 'CKQUORUM', NAME);
          const view = viewOf(await this.admin(sentinel).call('SENTINEL', 'MASTER', NAME));
          // One that knows of no replica, or of another primary, could not fail over.
          if (view !== `${primary.port} master ${this.servers.length - 1}`)
            throw new Error(`A Sentinel sees it otherwise: ${view}`);
        }
        const running = this.servers.filter((server) => server.isRunning && server !== primary);
        for (const server of running) {
          const info = await this.admin(server).info('replication');
          if (!info.includes('master_link_status:up') || !info.includes(`:${primary.port}`))
            throw new Error(`A replica is not in step:\n${info}`);
        }
      },
      { within, every: 50 },
    );
  }

  /** Resolves with the time, in milliseconds, until the Sentinels name another primary than `old`. */
  async failedOver(old: RedisServer, within = LONGEST_MS): Promise<number> {
    const from = performance.now();
    await eventually(
      async () => {
        const primary = await this.primary();
        const info = primary === old ? '' : await this.admin(primary).info('replication');
        if (!info.includes('role:master')) throw new Error('The primary is still the old one.');
      },
      { within, every: 20 },
    );
    return performance.now() - from;
  }

  /** Has the Sentinels make a replica the primary, in agreement with the old one. */
  async failover(): Promise<number> {
    const old = await this.primary();
    // The one before may not have ended yet.
    await eventually(() => this.admin(this.sentinels[0]!).call('SENTINEL', 'FAILOVER', NAME), {
      within: 30_000,
      every: 100,
    });
    return this.failedOver(old);
  }

  async stop(): Promise<void> {
    for (const admin of this.admins.values()) admin.disconnect();
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Port and state of the primary, and how many replicas it has, as a Sentinel sees it. */
function viewOf(answer: unknown): string {
  const pairs = answer as readonly string[];
  const field = (name: string): string | undefined => pairs[pairs.indexOf(name) + 1];
  return `${field('port')} ${field('flags')} ${field('num-slaves')}`;
}

function adminOf(port: number): Redis {
  const admin = new Redis({ port, retryStrategy: () => 50, disconnectTimeout: 0 });
  admin.on('error', () => {});
  return admin;
}

/** A Sentinel that knows the others from the start, instead of hearing of them after some seconds. */
function configOf(
  self: { id: string; port: number },
  all: readonly { id: string; port: number }[],
  primary: number,
  downAfter: number,
): string {
  const others = all.filter(({ id }) => id !== self.id);
  return [
    `sentinel myid ${self.id}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${primary} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} ${downAfter}`,
    `sentinel failover-timeout ${NAME} 4000`,
    ...others.map(({ id, port }) => `sentinel known-sentinel ${NAME} 127.0.0.1 ${port} ${id}`),
  ].join('\n');
}
