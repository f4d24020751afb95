import type { Redis } from 'ioredis';

import { closing } from '../after-test.js';
import { openClient } from '../managers.js';
import type { RedisServer } from '../redis-server.js';
import { TcpProxy } from '../tcp-proxy.js';
import { type ChaosPlan, ChaosRun, type Work } from './chaos-run.js';
import { contenderFaults } from './faults.js';

/** Each key is of one kind; what is locked together is locked one by one as well. */
export const ALL_KINDS: readonly Work[] = [
  { keys: ['index'], options: { mode: 'shared' } },
  { keys: ['index'], options: { mode: 'shared' } },
  { keys: ['index'] },
  { keys: ['exports'], options: { permits: 3 } },
  { keys: ['a', 'b', 'c'] },
  { keys: ['b'] },
];

/** What a plan of chaos on one server says beside the server. */
export type OneServerPlan = Pick<ChaosPlan, 'name' | 'runMs' | 'serverPauseMs' | 'serverFaults'> &
  Partial<ChaosPlan> & {
    /** The environment of the i-th process. */
    readonly env?: (i: number) => Readonly<Record<string, string>>;
  };

/** Four processes with eight callers each, that reach one server through networks of their own. */
export function onOneServer(server: RedisServer, redis: Redis, plan: OneServerPlan): ChaosRun {
  return new ChaosRun({
    works: ALL_KINDS,
    ttls: [700, 1500],
    processes: 4,
    callers: 8,
    connection: server.url,
    link: async (i) => {
      const proxy = closing(await TcpProxy.start(server.port));
      return {
        options: { connection: proxy.url },
        proxies: [proxy],
        env: plan.env?.(i) ?? {},
      };
    },
    faults: ({ random }) => contenderFaults(random),
    keysLeft: async () => (await redis.keys('*')).filter((key) => key !== 'lock:!fence'),
    ...plan,
  });
}

/** A client for the server, which no fault of the network reaches. */
export function adminOf(server: RedisServer): Redis {
  return openClient(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
}
