import { setTimeout as sleep } from 'node:timers/promises';

import type { Redis } from 'ioredis';

import { freeze } from '../freeze.js';
import type { RedisServer } from '../redis-server.js';
import type { TcpProxy } from '../tcp-proxy.js';
import type { Contender } from './contender.js';

/** Faults by name; those of contenders strike the one that they are given. */
export type Faults = Readonly<Record<string, (contender: Contender) => Promise<unknown> | void>>;

/** For how long the servers and processes are stopped shortly: less than a renewal leaves of any lease. */
const SHORT_MS = 350;
/** Longer than the shorter leases. */
const LONG_MS = 1100;

/** What happens to the processes that lock, and to the network between them and the servers. */
export function contenderFaults(random: () => number): Faults {
  /** One link of the process or all. */
  const some = ({ proxies }: Contender): readonly TcpProxy[] =>
    random() < 0.5 ? proxies : [proxies[Math.floor(random() * proxies.length)]!];
  const forAWhile = async (
    contender: Contender,
    strike: (proxy: TcpProxy) => void,
    ms: number,
  ): Promise<void> => {
    const struck = some(contender);
    struck.forEach(strike);
    await sleep(ms);
    await Promise.all(struck.map((proxy) => proxy.pass()));
  };
  return {
    'lost reply': (contender) => {
      for (const proxy of some(contender)) void proxy.cutOnNextReply({ containing: 'evalsha' });
    },
    'cut connections': (contender) => some(contender).forEach((proxy) => proxy.dropConnections()),
    'half-open connections': (contender) => some(contender).forEach((proxy) => proxy.halfOpen()),
    'slow replies': (contender) =>
      forAWhile(contender, (proxy) => proxy.delayReplies(50 + random() * 300), SHORT_MS),
    'slow requests': (contender) =>
      forAWhile(contender, (proxy) => proxy.delayRequests(50 + random() * 300), SHORT_MS),
    'refused connections': (contender) =>
      forAWhile(
        contender,
        (proxy) => {
          proxy.refuse();
          proxy.dropConnections();
        },
        random() * LONG_MS,
      ),
    'black hole': (contender) =>
      forAWhile(contender, (proxy) => proxy.blackHole(), 100 + random() * 400),
    'short stop': ({ child }) => stopped([child], SHORT_MS),
    'long stop': ({ child }) => stopped([child], LONG_MS),
    'killed process': (contender) => contender.restart(),
  };
}

/** What happens to one server that keeps its data. */
export function serverFaults(server: RedisServer, redis: Redis): Faults {
  return {
    'killed subscribers': () => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    'killed clients': () => redis.call('CLIENT', 'KILL', 'TYPE', 'normal'),
    'forgotten scripts': () => redis.script('FLUSH'),
    'frozen server': () => freeze(server.port, SHORT_MS),
    'hung server': async () => {
      server.pause();
      await sleep(SHORT_MS);
      server.resume();
    },
  };
}

/** SIGSTOP of these at once, and SIGCONT; `meanwhile` is done while they are stopped. */
export async function stopped(
  children: readonly { stop(): void; resume(): void }[],
  ms: number,
  meanwhile = (): void => {},
): Promise<void> {
  for (const child of children) child.stop();
  await sleep(ms);
  meanwhile();
  for (const child of children) child.resume();
}
