import type { ClusterNode as SeedNode } from 'ioredis';
import { clusterParts, type ClusterParts } from '../connection/connection.js';
import { checkClusterPrefix } from '../keys/lock-keys.js';

/** What is wrong with `keyPrefix` for `connection`, in a Cluster, one sentence each. */
export function checkPrefix(connection: unknown, keyPrefix: string): string[] {
  const parts = clusterParts(connection);
  return parts === undefined ? [] : checkClusterPrefix(clusterPrefix(parts) + keyPrefix);
}

/** What the user's options put before every key. */
export function clusterPrefix({ seeds, options }: ClusterParts): string {
  const [seed] = seeds as readonly (SeedNode & { keyPrefix?: string })[];
  return options?.keyPrefix ?? options?.redisOptions?.keyPrefix ?? seed?.keyPrefix ?? '';
}
