import { describe, expect, it } from '@jest/globals';

import { inOrder } from '../../../lib/redis/quorum/arithmetic.js';
import { acquireScript } from '../../../lib/redis/scripts/acquire.script.js';
import { releaseScript } from '../../../lib/redis/scripts/release.script.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openManager } from '../../support/managers.js';
import { RedisQuorum } from '../../support/redis-quorum.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

const COMMAND_TIMEOUT = 500;

/** Two processes, `a` of which reaches the coordinator of the key by a proxy. */
async function twoProcesses(count: number, options = {}) {
  const { servers, urls } = closing(await RedisQuorum.start(count));
  let key = '';
  for (let n = 0; inOrder(servers, key)[0] !== servers[0]; n += 1) key = `k${n}`;
  const proxy = closing(await TcpProxy.start(servers[0]!.port));
  const usual = { commandTimeout: COMMAND_TIMEOUT, wait: 30_000, ...options };
  const a = openManager([proxy.url, ...urls.slice(1)], usual);
  const b = openManager(urls, usual);
  const lost: unknown[] = [];
  a.events.on('lost', (event) => lost.push(event));
  const waiters = (callers: number) =>
    eventually(async () => expect((await b.inspect(key))?.waiters).toBe(callers));
  return { key, proxy, a, b, lost, waiters };
}

/** What becomes of the answer of the coordinator. */
const FATES = {
  cut: (proxy: TcpProxy, sha1: string) => void proxy.cutOnNextReply({ containing: sha1 }),
  late: (proxy: TcpProxy) => proxy.delayReplies(COMMAND_TIMEOUT * 2),
} as const;

describe('a hand-over of a quorum whose answer from the coordinator', () => {
  it.each([
    ['is cut', 'cut', 5],
    ['comes too late', 'late', 5],
    ['is cut', 'cut', 4],
  ] as const)('%s tells of no loss at a release', async (_, fate, count) => {
    const { key, proxy, a, b, lost, waiters } = await twoProcesses(count);
    const lock = await a.acquire(key);
    const waiting = b.acquire(key);
    await waiters(1);
    // The push that somebody waits may be on its way still; the answer tells it as well.
    await lock.extend();
    FATES[fate](proxy, releaseScript.sha1);

    expect(await lock.release()).toBe('released');

    await (await waiting).release();
    expect(lost).toEqual([]);
  });

  it.each([
    ['is cut', 'cut', 5],
    ['comes too late', 'late', 5],
    ['is cut', 'cut', 4],
  ] as const)('%s tells of no loss where a turn is yielded', async (_, fate, count) => {
    const { key, proxy, a, b, lost, waiters } = await twoProcesses(count, { localHandoffs: 0 });
    const lock = await a.acquire(key);
    const [own, other] = [a.acquire(key), b.acquire(key)];
    await waiters(2);
    await lock.extend();
    FATES[fate](proxy, acquireScript.sha1);

    expect(await lock.release()).toBe('released');
    await proxy.pass();

    // Which of them comes first depends on when the answer is given up.
    await Promise.all([other, own].map(async (waiting) => (await waiting).release()));
    expect(lost).toEqual([]);
  });
});
