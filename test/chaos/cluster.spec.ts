import { setTimeout as sleep } from 'node:timers/promises';

import { it } from '@jest/globals';

import { slotOf } from '../../lib/redis/keys/hash-slot.js';
import { closing } from '../support/after-test.js';
import { ChaosRun, chaosMs, isLong, type Work } from '../support/chaos/chaos-run.js';
import { contenderFaults, type Faults } from '../support/chaos/faults.js';
import { linkThrough } from '../support/chaos/link-through.js';
import { freeze } from '../support/freeze.js';
import { type ClusterMember, RedisCluster } from '../support/redis-cluster.js';

const RUN_MS = chaosMs(10_000);

/** Each tag has a master of its own. */
const WORKS: readonly Work[] = [
  { keys: ['{a}index'], options: { mode: 'shared' } },
  { keys: ['{a}index'], options: { mode: 'shared' } },
  { keys: ['{a}index'] },
  { keys: ['{b}exports'], options: { permits: 3 } },
  { keys: ['{b}hot'] },
  { keys: ['{c}x', '{c}y', '{c}z'] },
  { keys: ['{c}y'] },
];
const TAGS = ['a', 'b', 'c'];

const RUNS = [
  { name: 'Cluster', replicas: undefined },
  { name: 'Cluster, grants confirmed by replicas', replicas: { count: 1, timeout: '500ms' } },
];

it.each(isLong() ? RUNS : RUNS.slice(0, 1))(
  '$name: overlaps only after a primary has died or hung, while slots move and masters change (A10)',
  async ({ name, replicas }) => {
    const cluster = closing(await RedisCluster.start({ nodeTimeout: 2000 }));
    const { members } = cluster;
    const run = new ChaosRun({
      name,
      works: WORKS,
      ttls: [1500, 2500],
      processes: 4,
      callers: 8,
      runMs: RUN_MS,
      connection: { cluster: cluster.nodes },
      link: async () => {
        const { proxies, natMap, nodes } = await linkThrough(members.map(({ server }) => server));
        return {
          options: { connection: { cluster: nodes, options: { natMap } }, replicas },
          proxies,
        };
      },
      faults: ({ random }) => contenderFaults(random),
      serverPauseMs: 2500,
      serverFaults: (chaos) => clusterFaults(cluster, chaos, replicas !== undefined),
      primaries: () => mastersOf(cluster),
      keysLeft: async () => {
        const keys = await Promise.all(members.map(({ client }) => client.keys('*')));
        return keys.flat().filter((key) => !key.startsWith('lock:!fence:'));
      },
    });
    await run.finish();
  },
  RUN_MS + 400_000,
);

/** @param isConfirmed Grants count once the replica has them: killing a primary loses none. */
function clusterFaults(cluster: RedisCluster, run: ChaosRun, isConfirmed: boolean): Faults {
  const slot = (): number => slotOf(TAGS[Math.floor(run.random() * TAGS.length)]!);
  const one = async (): Promise<ClusterMember> => {
    // Of a failover that nobody planned all have to know.
    await cluster.healthy();
    return cluster.ownerOf(slot());
  };
  const kill = (master: ClusterMember, isLost: boolean): Promise<void> =>
    run.failingOver(async () => {
      const replica = await cluster.replicaOf(master);
      if (isLost) {
        // A replica comes back to its primary within a second; until then it gets nothing.
        await master.client.call('CLIENT', 'KILL', 'TYPE', 'replica');
        await sleep(50);
      }
      const stop = (): Promise<void> => master.server.kill();
      await (isConfirmed && !isLost ? stop() : run.losing(stop));
      await cluster.promoted(replica);
      await master.server.restart();
      await cluster.healthy();
    });
  return {
    'planned failover': async () => {
      const master = await one();
      await run.failingOver(async () => {
        await cluster.failover(master);
        await cluster.healthy();
      });
    },
    'killed primary': async () => kill(await one(), false),
    'killed primary, replica behind': async () => kill(await one(), true),
    'hung primary': async () => {
      const master = await one();
      const replica = await cluster.replicaOf(master);
      await run.failingOver(() =>
        run.losing(async () => {
          master.server.pause();
          await cluster.promoted(replica);
          await sleep(run.random() * 1000);
          master.server.resume();
          await cluster.healthy();
        }),
      );
    },
    'moved slot': async () => {
      const moving = slot();
      await cluster.healthy();
      const owner = await cluster.ownerOf(moving);
      const others = (await mastersOf(cluster)).filter((id) => id !== owner.id);
      const id = others[Math.floor(run.random() * others.length)];
      await cluster.migrateSlot(
        moving,
        cluster.members.find((member) => member.id === id)!,
        10,
      );
      await cluster.healthy();
    },
    'frozen primary': async () => freeze((await one()).server.port, 350),
    'killed subscribers': async () => (await one()).client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    'killed clients': async () => (await one()).client.call('CLIENT', 'KILL', 'TYPE', 'normal'),
    'forgotten scripts': async () => (await one()).client.script('FLUSH'),
  };
}

/** The ids of all that take themselves for masters; one that hangs can't say so. */
async function mastersOf({ members }: RedisCluster): Promise<string[]> {
  const asked = members.filter(({ server }) => server.isRunning && !server.isPaused);
  const infos = await Promise.all(asked.map(({ client }) => client.info('replication')));
  return asked.filter((_, i) => infos[i]?.includes('role:master')).map(({ id }) => id);
}
