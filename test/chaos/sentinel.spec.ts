import { setTimeout as sleep } from 'node:timers/promises';

import { it } from '@jest/globals';

import { closing } from '../support/after-test.js';
import { ChaosRun, chaosMs } from '../support/chaos/chaos-run.js';
import { contenderFaults, type Faults } from '../support/chaos/faults.js';
import { linkThrough } from '../support/chaos/link-through.js';
import { ALL_KINDS } from '../support/chaos/one-server.js';
import { freeze } from '../support/freeze.js';
import type { RedisServer } from '../support/redis-server.js';
import { RedisSentinel } from '../support/redis-sentinel.js';

const RUN_MS = chaosMs(10_000);

it(
  'Sentinel: overlaps only after a switch of the primary has begun, or it has died or hung (A10)',
  async () => {
    const group = closing(await RedisSentinel.start());
    const { servers, options } = group;
    const run = new ChaosRun({
      name: 'Sentinel',
      works: ALL_KINDS,
      ttls: [1500, 2500],
      processes: 4,
      callers: 8,
      runMs: RUN_MS,
      connection: options,
      link: async () => {
        const { proxies, natMap } = await linkThrough(servers);
        return { options: { connection: { ...options, natMap } }, proxies };
      },
      faults: ({ random }) => contenderFaults(random),
      serverPauseMs: 2500,
      serverFaults: (chaos) => sentinelFaults(group, chaos),
      primaries: async () => [String((await group.primary()).port)],
      keysLeft: async () => {
        const keys = await group.admin(await group.primary()).keys('*');
        return keys.filter((key) => key !== 'lock:!fence');
      },
    });
    await run.finish();
  },
  RUN_MS + 600_000,
);

/** Until all follow the new primary the old one may be given locks that are lost. */
function sentinelFaults(group: RedisSentinel, run: ChaosRun): Faults {
  const admin = async () => group.admin(await group.primary());
  const losing = async (leads: (primary: RedisServer) => Promise<void>): Promise<void> => {
    // Of a failover that nobody planned all have to know.
    await group.healthy();
    await run.failingOver(async () => run.losing(async () => leads(await group.primary())));
  };
  return {
    'planned failover': () =>
      losing(async () => {
        await group.failover();
        await group.settle();
      }),
    'killed primary': () =>
      losing(async (primary) => {
        await primary.kill();
        await group.failedOver(primary);
        await primary.restart();
        await group.settle();
      }),
    'hung primary': () =>
      losing(async (primary) => {
        primary.pause();
        await group.failedOver(primary);
        await sleep(run.random() * 1000);
        primary.resume();
        await group.settle();
      }),
    'hung Sentinel': async () => {
      const sentinel = group.sentinels[Math.floor(run.random() * group.sentinels.length)]!;
      sentinel.pause();
      await sleep(run.random() * 1500);
      sentinel.resume();
    },
    'frozen primary': async () => freeze((await group.primary()).port, 350),
    'killed subscribers': async () => (await admin()).call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    'killed clients': async () => (await admin()).call('CLIENT', 'KILL', 'TYPE', 'normal'),
    'forgotten scripts': async () => (await admin()).script('FLUSH'),
  };
}
