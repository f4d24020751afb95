import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Lock } from '../../../lib/engine/api/lock.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { MemorySpace } from '../../../lib/memory/memory-space.js';
import { systemClock } from '../../../lib/engine/time/clock.js';
import { closing } from '../../support/after-test.js';
import { Child } from '../../support/child.js';
import { eventually } from '../../support/eventually.js';
import { Gate } from '../../support/gate.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { RedisServer } from '../../support/redis-server.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';
import { timed } from '../../support/timed.js';

let keyPrefix: string;
let redis: Redis;

const open = (options = {}): LockManager =>
  openManager(sharedRedisUrl(), { keyPrefix, shutdownTimeout: 10_000, ...options });
const keys = async (): Promise<string[]> =>
  (await redis.keys(`${keyPrefix}*`)).map((key) => key.slice(keyPrefix.length));

/** How the process ends by itself; else what keeps it. */
async function endOf(child: Child): Promise<unknown> {
  const end = await Promise.race([child.exited, sleep(10_000)]);
  if (end !== undefined) return end;
  child.send({ type: 'keeps' });
  return child.next('kept');
}

beforeEach(() => {
  keyPrefix = uniquePrefix();
  redis = openClient(sharedRedisUrl());
});

/** A section that runs until its gate is opened. */
async function section(
  manager: LockManager,
  key: string,
  gate: Gate,
): Promise<{ readonly end: Promise<unknown> }> {
  const entered = new Gate();
  const end = timed(
    manager.withLock(key, async () => {
      entered.open();
      await gate.passed;
      return 'done';
    }),
  );
  await entered.passed;
  return { end };
}

describe('the first phase of a shutdown', () => {
  it('turns waiters away at once, of the holder’s process and of others, and new calls', async () => {
    const [a, b] = [open(), open()];
    const gate = new Gate();
    const running = await section(b, 'k', gate);
    const waiting = [
      timed<unknown>(a.acquire('k')),
      timed<unknown>(a.withLock('k', () => {})),
      timed<unknown>(b.acquire('k')),
    ];
    // The second caller of a process is reported with its next sign of life.
    await eventually(async () => expect((await b.inspect('k'))?.waiters).toBeGreaterThanOrEqual(2));

    const stoppedAt = performance.now();
    a.stopWaiting();
    b.stopWaiting();
    const turnedAway = await Promise.all(waiting);

    expect(performance.now() - stoppedAt).toBeLessThan(NOISE_MS);
    for (const { error } of turnedAway)
      expect(error).toMatchObject({ code: 'LOCK_SHUTDOWN', keys: ['k'] });
    await expect(a.acquire('other')).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
    await expect(a.tryAcquire('other')).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
    gate.open();
    await running.end;
  });

  it('lets nobody who was turned away have the lock later', async () => {
    const [a, b] = [open(), open()];
    const lock = await b.acquire('k');
    let ran = false;
    const waiting = timed(a.withLock('k', () => (ran = true)));
    await eventually(async () => expect((await b.inspect('k'))?.waiters).toBe(1));

    const released = lock.release();
    a.stopWaiting();
    await Promise.all([released, waiting]);

    await eventually(async () => expect(await keys()).toEqual(['!fence']));
    expect(ran).toBe(false);
  });

  it('gives back a lock that was being asked for', async () => {
    const a = open();
    await a.withLock('warm-up', () => {});
    const asked = timed(a.acquire('k'));
    a.stopWaiting();

    expect((await asked).error).toMatchObject({ code: 'LOCK_SHUTDOWN' });

    await eventually(async () => expect(await keys()).toEqual(['!fence']));
  });

  it('lets who holds go on: re-enter, extend, be renewed', async () => {
    const a = open();
    const stopped = new Gate();
    let lock: Lock | undefined;
    const renewals: unknown[] = [];
    a.events.on('renewed', (event) => renewals.push(event));
    const running = a.withLock(
      'k',
      async (held) => {
        lock = held;
        await stopped.passed;
        expect(await a.withLock('k', () => 'nested')).toBe('nested');
        await held.extend(2000);
        const count = renewals.length;
        await eventually(() => expect(renewals.length).toBeGreaterThan(count));
        held.assertHeld();
        return 'done';
      },
      { ttl: 900 },
    );
    await eventually(() => expect(lock).toBeDefined());
    a.stopWaiting();
    const closed = a.close();
    stopped.open();

    expect(await running).toBe('done');
    await closed;
    expect(await keys()).toEqual(['!fence']);
  });
});

describe('drain', () => {
  it('waits for running holders, and no longer', async () => {
    const [a, b] = [open(), open()];
    const gate = new Gate();
    const running = await section(a, 'k', gate);
    let drained = false;
    const draining = a.drain().then(() => (drained = true));
    expect(await b.tryAcquire('k')).toBeNull();
    expect(drained).toBe(false);

    gate.open();

    expect(await running.end).toMatchObject({ value: 'done' });
    expect((await timed(draining)).ms).toBeLessThan(NOISE_MS);
    expect(await keys()).toEqual(['!fence']);
  });

  it('aborts those that still hold after shutdownTimeout, and releases their locks', async () => {
    const a = open({ shutdownTimeout: 300 });
    const b = open();
    const lock = await a.acquire('k');
    const waiting = b.acquire('k');
    await eventually(async () => expect((await b.inspect('k'))?.waiters).toBe(1));

    const { ms } = await timed(() => a.drain());

    expect(ms).toBeGreaterThan(290);
    expect(ms).toBeLessThan(300 + NOISE_MS);
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    const next = await waiting;
    next.assertHeld();
    await next.release();
    expect(await lock.release()).toBe('lost');
  });

  it('leaves the rest of a minHold, and nothing else', async () => {
    const a = open();
    await a.withLock('dwelling', () => {}, { minHold: 5000 });
    await a.acquire('held');

    await open({ shutdownTimeout: 0 }).close();
    const closed = a.close();
    await a.forceRelease('held');
    await closed;

    expect((await keys()).sort()).toEqual(['!fence', 'dwelling']);
  });
});

describe('close', () => {
  it('is done once, however often it is called', async () => {
    const a = open();
    await a.withLock('k', () => {});

    const both = [a.close(), a.close()];
    await Promise.all(both);

    await expect(a.acquire('k')).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
    await expect(a.inspect('k')).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    await expect(a.forceRelease('k')).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  it('of one that was never used ends at once, whether Redis is there or not', async () => {
    const unused = open();
    const alone = openManager('redis://127.0.0.1:1');

    expect((await timed(unused.close())).ms).toBeLessThan(NOISE_MS);
    expect((await timed(alone.close())).ms).toBeLessThan(NOISE_MS);
  });

  it('ends though Redis is gone', async () => {
    const server = closing(await RedisServer.start());
    const a = openManager(server.url, { commandTimeout: 300, shutdownTimeout: 300 });
    const lock = await a.acquire('k');
    const waiting = timed(
      openManager(server.url, { commandTimeout: 300 }).acquire('k', { wait: 1000 }),
    );
    await server.kill();

    const { ms, error } = await timed(a.close());

    expect(error).toBeUndefined();
    expect(ms).toBeLessThan(1500 + NOISE_MS);
    expect(lock.signal.aborted).toBe(true);
    expect((await timed(lock.release())).error).toBeUndefined();
    expect((await waiting).error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  it.each(['is gone', 'hangs'])(
    'lets the process end at once though a Cluster %s, and its layout is being asked for',
    async (how) => {
      const cluster = closing(await RedisCluster.start());
      const options = { connection: { cluster: cluster.nodes }, commandTimeout: 30_000 };
      const child = closing(Child.start('locker.mjs', { args: [JSON.stringify(options)] }));
      await child.next('ready');
      const [first, ...others] = cluster.members.map(({ server }) => server);
      if (how === 'hangs') for (const server of others) server.pause();
      else await Promise.all(others.map((server) => server.kill()));
      await first?.kill();
      child.send({ type: 'lock', id: 1, key: 'k', options: { wait: 500 } });
      await child.next('failed');

      child.send({ type: 'shutdown' });
      await child.next('closed');

      expect(await endOf(child)).toEqual({ code: 0, signal: null });
    },
  );

  it('closes its own connections and no others', async () => {
    const server = closing(await RedisServer.start());
    const observer = openClient(server.url);
    const clients = async (): Promise<number> =>
      String(await observer.client('LIST'))
        .trim()
        .split('\n').length;
    const [a, b] = [openManager(server.url), openManager(server.url)];
    for (const manager of [a, b]) await manager.withLock('k', () => {});
    await eventually(async () => expect(await clients()).toBe(5));

    await a.close();

    await eventually(async () => expect(await clients()).toBe(3));
    await b.withLock('k', () => {});
  });

  it('of a manager in memory turns waiters away and lets holders finish', async () => {
    const space = new MemorySpace(systemClock);
    const a = openManager(space, { shutdownTimeout: 5000 });
    const b = openManager(space);
    const gate = new Gate();
    const running = await section(a, 'k', gate);
    const waiting = timed(a.acquire('k'));
    const elsewhere = b.acquire('k');

    const closed = a.close();
    expect((await waiting).error).toMatchObject({ code: 'LOCK_SHUTDOWN' });
    gate.open();

    expect(await running.end).toMatchObject({ value: 'done' });
    await closed;
    await (await elsewhere).release();
  });
});
