import { describe, expect, it } from '@jest/globals';

import { inOrder } from '../../../lib/redis/quorum/arithmetic.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openManager } from '../../support/managers.js';
import { RedisQuorum } from '../../support/redis-quorum.js';

// Longer than a busy machine may stall.
const COMMAND_TIMEOUT = 3000;

/** A key for which the server at `index` coordinates. */
function keyCoordinatedBy(index: number, { servers }: RedisQuorum): string {
  for (let n = 0; ; n += 1) if (inOrder(servers, `k${n}`)[0] === servers[index]) return `k${n}`;
}

describe('a process that yields its turn to another one, on a quorum', () => {
  it.each([
    ['hangs', async (quorum: RedisQuorum) => quorum.servers[1]!.pause()],
    ['dies', async (quorum: RedisQuorum) => quorum.servers[1]!.kill()],
  ])(
    'when the coordinator %s: its section was not lost, and the other is served',
    async (_, fail) => {
      const quorum = closing(await RedisQuorum.start(3));
      const options = { commandTimeout: COMMAND_TIMEOUT, localHandoffs: 0, wait: 30_000 };
      const [a, b] = [openManager(quorum.urls, options), openManager(quorum.urls, options)];
      const key = keyCoordinatedBy(1, quorum);
      const lost: unknown[] = [];
      a.events.on('lost', (event) => lost.push(event));
      const first = await a.acquire(key);
      const own = a.acquire(key);
      const other = b.acquire(key);
      await eventually(async () => expect((await a.inspect(key))?.waiters).toBe(2));
      // The push that somebody waits may be on its way still; the answer tells it as well.
      await first.extend();
      await fail(quorum);

      expect(await first.release()).toBe('released');

      expect(lost).toEqual([]);
      await Promise.all([own, other].map(async (lock) => (await lock).release()));
      expect(lost).toEqual([]);
    },
  );
});
