import { createRequire } from 'node:module';

import { describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../lib/engine/lock-manager.js';
import { openClient, openManager } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { timed } from '../support/timed.js';

const { Mutex } = createRequire(new URL('../../bench/package.json', import.meta.url))(
  'redis-semaphore',
);
const WAIT_MS = 300;

/** A lock that somebody holds, as both libraries see it. */
async function busyLock(): Promise<{
  locks: LockManager;
  tryMutex: (options: object) => Promise<boolean>;
}> {
  const key = uniquePrefix();
  const client = openClient(sharedRedisUrl());
  const locks = openManager(sharedRedisUrl(), { keyPrefix: `mutex:${key}` });
  await locks.acquire('k');
  const tryMutex = (options: object): Promise<boolean> =>
    new Mutex(client, `${key}k`, { retryInterval: 20, ...options }).tryAcquire();
  return { locks, tryMutex };
}

describe('tryAcquire of redis-semaphore on a busy lock', () => {
  it('waits for acquireTimeout, as acquire with a wait does', async () => {
    const { locks, tryMutex } = await busyLock();
    const theirs = await timed(() => tryMutex({ acquireTimeout: WAIT_MS }));
    const ours = await timed(() => locks.acquire('k', { wait: WAIT_MS }));

    expect(theirs).toMatchObject({ value: false });
    expect(ours).toMatchObject({ error: { code: 'LOCK_TIMEOUT' } });
    for (const { ms } of [theirs, ours]) expect(ms).toBeGreaterThan(WAIT_MS - 5);
  });

  it('with one attempt says so at once, as tryAcquire does', async () => {
    const { locks, tryMutex } = await busyLock();

    expect(await tryMutex({ acquireAttemptsLimit: 1 })).toBe(false);
    expect(await locks.tryAcquire('k')).toBeNull();
  });
});
