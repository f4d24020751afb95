import { setTimeout as sleep } from 'node:timers/promises';

import type { Redis } from 'ioredis';

import { ChaosReport } from './chaos-report.js';
import type { Child } from './child.js';
import { freeze } from './freeze.js';
import type { RedisServer } from './redis-server.js';
import type { TcpProxy } from './tcp-proxy.js';

/** The shortest lease of the contenders: nothing is frozen for longer than what a renewal leaves of it. */
const SHORTEST_TTL = 700;

/** One contending process behind a network of its own. */
export interface Contender {
  readonly proxy: TcpProxy;
  child: Child;
}

/**
 * Makes one fault after another for a while; returns how many there were of each kind.
 *
 * @param start Starts a contender's process anew.
 */
export async function rage(
  server: RedisServer,
  redis: Redis,
  contenders: readonly Contender[],
  start: (proxy: TcpProxy) => Child,
  { random, forMs }: { readonly random: () => number; readonly forMs: number },
): Promise<Record<string, number>> {
  const report = new ChaosReport('one server', forMs);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const faults: Record<string, (contender: Contender) => Promise<unknown> | void> = {
    'lost reply': ({ proxy }) => void proxy.cutOnNextReply({ containing: 'evalsha' }),
    'cut connections': ({ proxy }) => proxy.dropConnections(),
    'half-open connections': ({ proxy }) => proxy.halfOpen(),
    'slow replies': async ({ proxy }) => {
      proxy.delayReplies(50 + random() * 300);
      await sleep(300);
      proxy.delayReplies(0);
    },
    'black hole': async ({ proxy }) => {
      proxy.blackHole();
      await sleep(100 + random() * 400);
      await proxy.pass();
      proxy.dropConnections();
    },
    'short stop': async ({ child }) => {
      child.stop();
      await sleep(SHORTEST_TTL / 2);
      child.resume();
    },
    'long stop': async ({ child }) => {
      child.stop();
      await sleep(SHORTEST_TTL * 1.5);
      child.resume();
    },
    'killed process': async (contender) => {
      await contender.child.kill();
      contender.child = start(contender.proxy);
      await contender.child.next('ready', { within: 60_000 });
    },
    'killed subscribers': () => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    'forgotten scripts': () => redis.script('FLUSH'),
    'frozen server': () => freeze(server.port, SHORTEST_TTL / 2),
  };
  const endsAt = performance.now() + forMs;
  while (performance.now() < endsAt) {
    const kind = pick(Object.keys(faults));
    report.add(kind);
    await faults[kind]?.(pick(contenders));
    await sleep(random() * 300);
  }
  report.end({});
  return report.made;
}
