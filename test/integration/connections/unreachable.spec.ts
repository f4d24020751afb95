import { describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { openManager } from '../../support/managers.js';
import { RedisServer } from '../../support/redis-server.js';
import { freePort } from '../../support/spawn-redis.mjs';
import { timed } from '../../support/timed.js';

/** The event by which a caller learns that it waits. */
function waiting(manager: LockManager): Promise<void> {
  return new Promise((resolve) => manager.events.once('waiting', () => resolve()));
}

describe('a caller that waits behind another process', () => {
  it('does not hear "busy" when the server was killed meanwhile', async () => {
    const server = closing(await RedisServer.start());
    const [a, b] = [openManager(server.url), openManager(server.url)];
    await a.acquire('k');
    const isWaiting = waiting(b);
    const late = timed(b.acquire('k', { wait: 1000 }));
    await isWaiting;
    await server.kill();

    expect((await late).error).toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      nodes: [`127.0.0.1:${server.port}`],
    });
  });
});

describe('a call that gives up before its first command has timed out', () => {
  it('tells which node could not be reached, and why', async () => {
    const port = await freePort();
    const manager = openManager(`redis://127.0.0.1:${port}`);

    const { error } = await timed(manager.acquire('k', { wait: 700 }));

    expect(error).toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      nodes: [`127.0.0.1:${port}`],
      cause: { code: 'ECONNREFUSED' },
      message: expect.not.stringMatching(/Lock .*Lock /),
    });
  });
});
