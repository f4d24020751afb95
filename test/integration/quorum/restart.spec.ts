import { describe, expect, it } from '@jest/globals';

import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { RedisQuorum } from '../../support/redis-quorum.js';

const TTL = 3000;

/** Waits until the present second has so much behind it: servers tell their age in whole seconds. */
async function second(from: number, to: number): Promise<void> {
  await eventually(
    () => {
      const ms = Date.now() % 1000;
      if (ms < from || ms >= to) throw new Error(`${ms} ms of the second have passed.`);
    },
    { every: 5 },
  );
}

describe('a node that has restarted without its data, for a process that starts after it', () => {
  it('has no vote until every lease that it may have forgotten has ended', async () => {
    const { servers, urls } = closing(await RedisQuorum.start(3));
    const clients = urls.map((url) => openClient(url));
    const holder = openManager(urls);
    await holder.withLock('warm-up', () => {});
    // Only a server that is younger than most others is known to be one that has restarted.
    await eventually(async () => {
      for (const client of clients)
        expect(
          Number(/uptime_in_seconds:(\d+)/.exec(await client.info('server'))?.[1]),
        ).toBeGreaterThanOrEqual(4);
    });
    await second(800, 950);
    const lock = await holder.acquire('k', { ttl: TTL, renew: false });
    // The third node has not voted for it.
    await eventually(async () => expect(await clients[2]!.del('lock:k')).toBe(1));
    await servers[0]!.restart();
    await second(0, 500);

    const other = await openManager(urls, { ttl: TTL }).acquire('k', { wait: 30_000 });

    expect(lock.remainingMs).toBe(0);
    expect(other.fencingToken).toBeGreaterThan(lock.fencingToken);
  });
});
