import type { Redis } from 'ioredis';

/** What a server tells of itself, as far as it may be asked. */
export interface ServerInfo {
  /** Names the server process. */
  readonly runId: string | undefined;
  /** Whole seconds since the process started. */
  readonly uptime: number | undefined;
  readonly version: string | undefined;
  readonly mode: 'standalone' | 'cluster' | 'sentinel' | undefined;
}

const UNKNOWN: ServerInfo = {
  runId: undefined,
  uptime: undefined,
  version: undefined,
  mode: undefined,
};

/** Asks a server; without the right to `INFO` nothing is known of it. */
export async function readServerInfo(client: Redis): Promise<ServerInfo> {
  const text = await client.info('server').catch(() => '');
  if (text === '') return UNKNOWN;
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(text)?.[1];
  const uptime = field('uptime_in_seconds');
  return {
    runId: field('run_id'),
    uptime: uptime === undefined ? undefined : Number(uptime),
    version: field('redis_version'),
    mode: field('redis_mode') as ServerInfo['mode'],
  };
}

/** What is wrong with a server that was named as one that stands alone; `undefined`: nothing known. */
export function faultOfMode({ mode }: ServerInfo, node: string): string | undefined {
  if (mode === 'sentinel')
    return `connection leads to a Sentinel, ${node}; write connection: { sentinels: [{ host, port }], name } with the name of its primary's group.`;
  return mode === 'cluster' ? memberOfCluster(node) : undefined;
}

/** Locks have keys in several slots, which one node of a Cluster does not take in one script. */
export function memberOfCluster(node: string): string {
  return `connection leads to ${node}, a node of a Redis Cluster; write connection: { cluster: ['${node}'] }.`;
}

/** A Redis that is too old for the scripts, in words; `''` when it is not, or not known. */
export function tooOld({ version }: ServerInfo): string {
  const major = version === undefined ? NaN : Number.parseInt(version, 10);
  return major < 7 ? `it is Redis ${version}, and locks need 7.0 or newer` : '';
}
