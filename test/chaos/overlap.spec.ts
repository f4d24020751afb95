import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { closing } from '../support/after-test.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { openClient, openManager } from '../support/managers.js';
import { type Contender, rage } from '../support/rage.js';
import { chooseSeed, seededRandom } from '../support/random.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const PROCESSES = 3;
const CALLERS = 4;
const KEYS = ['hot', 'warm'];
const FAULTS_MS = Number(process.env['CHAOS_MS'] ?? 14_000);

describe('processes that contend while everything fails', () => {
  it(
    'never overlap, nobody is stuck, and nothing is left (A10)',
    async () => {
      const seed = chooseSeed();
      console.log(`SEED=${seed}`);
      const random = seededRandom(seed);
      const server = closing(await RedisServer.start());
      const oracle = closing(await RedisServer.start());
      const redis = openClient(server.url);
      const children: Child[] = [];
      const start = (proxy: TcpProxy): Child => {
        const settings = {
          connection: proxy.url,
          oracleUrl: oracle.url,
          callers: CALLERS,
          keys: KEYS,
          seed: Math.floor(random() * 2 ** 32),
        };
        const child = closing(Child.start('contender.mjs', { args: [JSON.stringify(settings)] }));
        children.push(child);
        return child;
      };
      const contenders: Contender[] = [];
      for (let i = 0; i < PROCESSES; i += 1) {
        const proxy = closing(await TcpProxy.start(server.port));
        contenders.push({ proxy, child: start(proxy) });
      }
      for (const { child } of contenders) await child.next('ready', { within: 60_000 });

      const faults = await rage(server, redis, contenders, start, { random, forMs: FAULTS_MS });

      const ends = [];
      for (const { child, proxy } of contenders) {
        await proxy.pass();
        child.send({ type: 'stop' });
      }
      for (const { child } of contenders) {
        const { type: _, ...counts } = await child.next('done', { within: 60_000 });
        ends.push({ exit: await child.exited, stderr: child.stderr, counts });
      }
      const breaches = children.flatMap(({ messages }) =>
        messages.filter(({ type }) => type === 'breach').map(({ what }) => what),
      );
      breaches.push(...overlaps(children));
      expect({ seed, faults, breaches }).toEqual({ seed, faults, breaches: [] });
      for (const { exit, stderr } of ends)
        expect({ exit, stderr }).toEqual({ exit: { code: 0, signal: null }, stderr: '' });
      const sections = ends.reduce((sum, { counts }) => sum + Number(counts['sections']), 0);
      expect(sections).toBeGreaterThan(50);
      await expectNothingLeft(server, redis);
    },
    FAULTS_MS + 150_000,
  );
});

/** From when until when a caller was inside and sure of its lock; microseconds of the machine's clock. */
interface LockedSection {
  readonly name: string;
  readonly key: string;
  readonly fence: number;
  readonly from: number;
  readonly until: number;
}

/** Sections of one key, in the order of their fencing numbers, of which one began before the last had ended. */
function overlaps(children: readonly Child[]): string[] {
  const sections = children
    .flatMap(({ messages }) => messages.filter(({ type }) => type === 'section'))
    .map((message) => message as unknown as LockedSection)
    .sort((one, other) => one.fence - other.fence);
  const found: string[] = [];
  for (const key of KEYS) {
    let before: LockedSection | undefined;
    for (const section of sections.filter((one) => one.key === key)) {
      if (before !== undefined && section.from < before.until)
        found.push(`${JSON.stringify(before)} overlaps ${JSON.stringify(section)}`);
      before = section;
    }
  }
  return found;
}

/** What dead processes have left ends with their leases, or with the next who uses the lock. */
async function expectNothingLeft(server: RedisServer, redis: Redis): Promise<void> {
  const last = openManager(server.url);
  for (const key of KEYS) await last.withLock(key, () => {});

  await eventually(async () => expect(await redis.keys('*')).toEqual(['lock:!fence']), {
    within: 20_000,
  });
}
