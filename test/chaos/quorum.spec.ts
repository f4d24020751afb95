import { setTimeout as sleep } from 'node:timers/promises';

import { expect, it } from '@jest/globals';

import { isLockError } from '../../lib/engine/api/errors.js';
import type { LockManager } from '../../lib/engine/lock-manager.js';
import type { Lock } from '../../lib/engine/api/lock.js';
import { closing } from '../support/after-test.js';
import { ChaosReport } from '../support/chaos/chaos-report.js';
import { chaosMs } from '../support/chaos/chaos-run.js';
import { eventually } from '../support/eventually.js';
import { openClient, openManager } from '../support/managers.js';
import { RedisQuorum } from '../support/redis-quorum.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Traffic } from '../support/traffic.js';

const NODES = 5;
const PROCESSES = 4;
const CALLERS = 3;
const RUN_MS = chaosMs(6000);
/** A busy machine is given longer to serve so many. */
const LONGEST_RUN_MS = Math.max(60_000, 2 * RUN_MS);
const SERVED = 50;
const TTL = 1500;
/** In the order in which they are made. */
const FAULTS = ['stopped node', 'cut connections', 'slow replies', 'lost reply', 'killed node'];

/** What nobody may see: two sections at once while both leases are said to run, or a number that falls. */
class Oracle {
  readonly faults: string[] = [];
  served = 0;
  lost = 0;
  longestWaitMs = 0;
  #holder: Lock | undefined;
  #fence = 0;

  enter(lock: Lock): void {
    this.served += 1;
    if (this.#holder !== undefined && this.#holder.remainingMs > 0 && lock.remainingMs > 0)
      this.faults.push(`${this.#holder.fencingToken} was inside when ${lock.fencingToken} entered`);
    if (lock.fencingToken <= this.#fence)
      this.faults.push(`${lock.fencingToken} came after ${this.#fence}`);
    this.#fence = Math.max(this.#fence, lock.fencingToken);
    this.#holder = lock;
  }

  leave(lock: Lock): void {
    if (this.#holder === lock) this.#holder = undefined;
  }
}

it(
  'never lets two in, and forgets nobody, while nodes hang, die and lose replies',
  async () => {
    const { servers, urls } = closing(await RedisQuorum.start(NODES));
    const proxies = await Promise.all(
      servers.map(async ({ port }) => closing(await TcpProxy.start(port))),
    );
    const managers = Array.from({ length: PROCESSES }, () =>
      openManager(
        proxies.map(({ url }) => url),
        { ttl: TTL, commandTimeout: 500, wait: 120_000 },
      ),
    );
    const oracle = new Oracle();
    const report = new ChaosReport('Quorum of five', RUN_MS, () => oracle.served);
    const startedAt = performance.now();
    const over = (): boolean => {
      const ran = performance.now() - startedAt;
      return ran > LONGEST_RUN_MS || (ran > RUN_MS && oracle.served > SERVED);
    };
    const call = async (manager: LockManager): Promise<void> => {
      while (!over()) {
        const calledAt = performance.now();
        try {
          await manager.withLock('hot', async (lock) => {
            oracle.longestWaitMs = Math.max(oracle.longestWaitMs, performance.now() - calledAt);
            oracle.enter(lock);
            await sleep(Math.random() * 10);
            oracle.leave(lock);
          });
        } catch (error) {
          if (!isLockError(error, 'LOCK_LOST')) throw error;
          oracle.lost += 1;
        }
      }
    };

    const callers = managers.flatMap((manager) =>
      Array.from({ length: CALLERS }, () => call(manager)),
    );
    // One fault at a time, so that a majority is always there, but for what restarts.
    for (let i = 0; !over(); i += 1) {
      const at = Math.floor(Math.random() * NODES);
      const [server, proxy] = [servers[at]!, proxies[at]!];
      const fault = i % 5;
      report.add(FAULTS[fault] ?? '');
      if (fault === 0) server.pause();
      if (fault === 1) proxy.dropConnections();
      if (fault === 2) proxy.delayReplies(60);
      if (fault === 3) void proxy.cutOnNextReply();
      if (fault === 4) await server.kill();
      await sleep(100 + Math.random() * 300);
      if (fault === 0) server.resume();
      if (fault === 4) await server.restart();
      await proxy.pass();
    }
    await Promise.all(callers);
    report.end({
      sections: oracle.served,
      'locks lost, and told': oracle.lost,
      'longest wait, ms': Math.round(oracle.longestWaitMs),
      'overlaps and inversions': oracle.faults.length,
      'keys left': await keysLeft(managers, urls),
    });

    expect(oracle.faults).toEqual([]);
    expect(oracle.served).toBeGreaterThan(SERVED);
  },
  LONGEST_RUN_MS + 240_000,
);

/** Closes the managers; resolves when their fence counters are all that is left, with how many more keys: 0. */
async function keysLeft(
  managers: readonly LockManager[],
  urls: readonly string[],
): Promise<number> {
  for (const manager of managers) await manager.close();
  const clients = urls.map((url) => openClient(url));
  return eventually(async () => {
    const left = await Promise.all(clients.map((client) => client.keys('lock:*')));
    expect([...new Set(left.flat())]).toEqual(['lock:!fence']);
    return 0;
  });
}

it(
  'gives numbers that rise while links between single processes and nodes are cut (I2)',
  async () => {
    const { servers } = closing(await RedisQuorum.start(3));
    const links = async () =>
      Promise.all(servers.map(async ({ port }) => closing(await TcpProxy.start(port))));
    const proxies = [await links(), await links(), await links()];
    const managers = proxies.map((own) =>
      openManager(
        own.map(({ url }) => url),
        { ttl: 5000, commandTimeout: 500, wait: 60_000, localHandoffs: 4 },
      ),
    );
    const traffic = new Traffic(managers, ['k', 'l']);
    await traffic.flows();
    const startedAt = performance.now();
    while (performance.now() - startedAt < RUN_MS) {
      const own = proxies[Math.floor(Math.random() * proxies.length)]!;
      void own[Math.floor(Math.random() * own.length)]!.cutOnNextReply();
      await sleep(50 + Math.random() * 100);
    }
    await traffic.flows();
    await traffic.stop();

    const { overlaps, inversions } = traffic;
    expect({ overlaps, inversions }).toEqual({ overlaps: 0, inversions: 0 });
  },
  LONGEST_RUN_MS + 240_000,
);
