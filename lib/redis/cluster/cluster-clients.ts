import { type ClusterNode as SeedNode, Redis, type RedisOptions } from 'ioredis';
import { applyNatMap, type OwnClientOptions, ownOptions } from '../client/client-options.js';
import { checkedLogin, type LoginSource } from '../client/login.js';
import { readSeed } from '../connection/connection-url.js';
import {
  type ClusterConnection,
  clusterParts,
  type ClusterParts,
} from '../connection/connection.js';
import { addressOf } from './cluster-layout.js';
import { clusterPrefix } from './cluster-prefix.js';

/** How connections to a Cluster's nodes are opened; a client that was handed in is only read. */
export interface ClusterClients {
  readonly keyPrefix: string;
  /** Where to ask for the layout first, as `host:port`. */
  readonly seeds: readonly string[];
  /** How a node is reached from here. */
  reach(node: string): string;
  open(node: string): Redis;
  /** Nodes have one login: the seeds' own, and the user's options as they are by then. */
  readonly login: LoginSource;
}

/** Connections of our own to the nodes of a Cluster. */
export function clusterClients(
  connection: ClusterConnection,
  { commandTimeout, credentials }: OwnClientOptions,
): ClusterClients {
  const own = ownOptions(commandTimeout);
  const parts = clusterParts(connection) as ClusterParts;
  const { seeds, options } = parts;
  const addresses = seeds.map(seedOptions);
  const { host: _host, port: _port, ...rest } = addresses[0] ?? {};
  const { natMap } = options;
  const base = (): RedisOptions => ({ ...rest, ...given(options.redisOptions) });
  return {
    keyPrefix: clusterPrefix(parts),
    seeds: addresses.map(({ host = '127.0.0.1', port = 6379 }) => `${host}:${port}`),
    reach: (node) => applyNatMap(node, natMap),
    login: credentials === undefined ? base : checkedLogin(credentials),
    open: (node) => new Redis({ ...base(), ...own, ...addressOf(node), db: 0 }),
  };
}

/** As ioredis merges them: a name without a value says nothing. */
function given(options: RedisOptions = {}): RedisOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** A node as ioredis takes it: a port, `host:port`, a URL or options. */
function seedOptions(seed: SeedNode): RedisOptions {
  if (typeof seed === 'number') return { port: seed };
  return typeof seed === 'string' ? (readSeed(seed).options ?? {}) : ({ ...seed } as RedisOptions);
}
