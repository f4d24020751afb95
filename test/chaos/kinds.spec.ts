import { describe, expect, it } from '@jest/globals';

import { closing } from '../support/after-test.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { openClient, openManager } from '../support/managers.js';
import { type Contender, rage } from '../support/rage.js';
import { chooseSeed, seededRandom } from '../support/random.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const PROCESSES = 4;
const CALLERS = 8;
const FAULTS_MS = Number(process.env['CHAOS_MS'] ?? 12_000);

/** What callers do: each key is of one kind. */
const WORKS = [
  { keys: ['index'], options: { mode: 'shared' } },
  { keys: ['index'], options: { mode: 'shared' } },
  { keys: ['index'], options: {} },
  { keys: ['exports'], options: { permits: 3 } },
  { keys: ['a', 'b', 'c'], options: {} },
  { keys: ['b'], options: {} },
];
const KEYS = [...new Set(WORKS.flatMap(({ keys }) => keys))];

describe('processes that lock in every way while everything fails', () => {
  it(
    'never share what is exclusive, nor exceed the permits; nobody is stuck, and nothing is left',
    async () => {
      const seed = chooseSeed();
      console.log(`SEED=${seed}`);
      const random = seededRandom(seed);
      const server = closing(await RedisServer.start());
      const redis = openClient(server.url);
      const children: Child[] = [];
      const start = ({ url: connection }: TcpProxy): Child => {
        const settings = { connection, callers: CALLERS, works: WORKS, seed: random() * 2 ** 32 };
        const args = [JSON.stringify(settings)];
        const child = closing(Child.start('kinds-contender.mjs', { args }));
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

      for (const { child, proxy } of contenders) {
        await proxy.pass();
        child.send({ type: 'stop' });
      }
      let sections = 0;
      for (const { child } of contenders) {
        sections += Number((await child.next('done', { within: 90_000 }))['sections']);
        const exit = await child.exited;
        expect({ exit, stderr: child.stderr }).toEqual({
          exit: { code: 0, signal: null },
          stderr: '',
        });
      }
      const told = children.flatMap(({ messages }) => messages);
      const breaches = told.filter(({ type }) => type === 'breach').map(({ what }) => what);
      const all = told.filter(({ type }) => type === 'section') as unknown as LockedSection[];
      for (const key of KEYS) breaches.push(...crowds(all.filter((one) => one.key === key)));
      expect({ seed, faults, breaches }).toEqual({ seed, faults, breaches: [] });
      expect(sections).toBeGreaterThan(50);
      await expectNothingLeft(server, redis);
    },
    FAULTS_MS + 200_000,
  );
});

/** From when until when a caller was inside one key and sure of its lock; microseconds of the machine's clock. */
interface LockedSection {
  readonly name: string;
  readonly key: string;
  readonly fence: number;
  readonly from: number;
  readonly until: number;
  readonly mode?: 'shared';
  readonly permits?: number;
}

/** Sections of one key that ran beside others they do not get along with, or with a lower number after them. */
function crowds(sections: readonly LockedSection[]): string[] {
  const found: string[] = [];
  let inside: LockedSection[] = [];
  for (const section of [...sections].sort((one, other) => one.from - other.from)) {
    inside = inside.filter(({ until }) => until > section.from);
    if (!getAlong([...inside, section]))
      found.push(`${JSON.stringify(inside)} overlap ${JSON.stringify(section)}`);
    inside.push(section);
  }
  const alone = sections.filter(({ mode, permits }) => mode === undefined && permits === undefined);
  const byFence = [...alone].sort((one, other) => one.fence - other.fence);
  for (const [i, section] of byFence.entries()) {
    const before = byFence[i - 1];
    if (before !== undefined && section.from < before.until)
      found.push(`${JSON.stringify(section)} has a larger number than ${JSON.stringify(before)}`);
  }
  return found;
}

function getAlong(sections: readonly LockedSection[]): boolean {
  if (sections.length === 1) return true;
  if (sections.every(({ mode }) => mode === 'shared')) return true;
  return sections.every(({ permits = 1 }) => sections.length <= permits);
}

/** What dead processes have left ends with their leases, or with the next who uses the lock. */
async function expectNothingLeft(
  server: RedisServer,
  redis: ReturnType<typeof openClient>,
): Promise<void> {
  const last = openManager(server.url);
  for (const { keys, options } of WORKS) {
    const kind = options as { mode?: 'shared'; permits?: number };
    for (const key of keys) await last.withLock(key, () => {}, { wait: '20s', ...kind });
  }
  await eventually(async () => expect(await redis.keys('*')).toEqual(['lock:!fence']), {
    within: 60_000,
  });
}
