import type { Redis } from 'ioredis';
import type { Clock } from '../../engine/time/clock.js';

/**
 * What a server tells of itself, as far as it may be asked: one run of it. Another one may answer at its
 * address later, without the data of this one.
 */
export interface ServerInfo {
  /** Names the server process; without it no push is ever started on unconfirmed. */
  readonly runId?: string | undefined;
  /** When it started at the latest, our time. */
  readonly bornAt?: number | undefined;
  readonly version?: string | undefined;
  readonly mode?: 'standalone' | 'cluster' | 'sentinel' | undefined;
  /** Why it never tells who it is, or since when; a failed try tells nothing. */
  readonly fault?: Error | undefined;
}

/** Asks a server; another answer for each connection. */
export async function readServerInfo(client: Redis, clock: Clock): Promise<ServerInfo> {
  try {
    const text = await client.info('server');
    const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(text)?.[1];
    const [runId, uptime] = [field('run_id'), field('uptime_in_seconds')];
    return {
      runId,
      // It counts the seconds that began while it was up.
      bornAt: uptime === undefined ? uptime : clock.now() - Math.max(0, Number(uptime) - 1) * 1000,
      version: field('redis_version'),
      mode: field('redis_mode') as ServerInfo['mode'],
      fault:
        runId && uptime ? undefined : new Error('INFO tells no run_id or no uptime_in_seconds.'),
    };
  } catch (error) {
    const { message } = error as Error;
    return message.startsWith('NOPERM') ? { fault: error as Error } : {};
  }
}

/** What is wrong with a server that was named as one that stands alone; `undefined`: nothing known. */
export function faultOfMode({ mode }: ServerInfo, node: string): string | undefined {
  if (mode === 'sentinel')
    return `connection leads to a Sentinel, ${node}; write connection: { sentinels: [{ host, port }], name } with the name of its primary's group.`;
  return mode === 'cluster' ? memberOfCluster(node) : undefined;
}

/** What start can warn of before a call fails by it. */
export function faultOfServer(server: ServerInfo, node: string, alone = false): string | undefined {
  const fault = alone ? faultOfMode(server, node) : undefined;
  return fault ?? (tooOld(server) || undefined);
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
