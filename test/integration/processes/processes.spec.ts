import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { Child } from '../../support/child.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { timed } from '../../support/timed.js';

let server: RedisServer;
let redis: Redis;
let a: LockManager;

beforeEach(async () => {
  server = closing(await RedisServer.start());
  redis = openClient(server.url);
  a = openManager(server.url);
  await a.withLock('warm-up', () => {});
});

async function startChild(options: object = {}): Promise<Child> {
  const connection = server.url;
  const args = [JSON.stringify({ connection, ...options })];
  const child = closing(Child.start('locker.mjs', { args }));
  await child.next('ready');
  return child;
}

const pttl = (): Promise<number> => redis.pttl('lock:k');
const waiters = (count: number): Promise<void> =>
  eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(count));

describe('a waiter whose process stands still', () => {
  it('does not run on a grant that has become old meanwhile (A7)', async () => {
    const child = await startChild();
    const lock = await a.acquire('k');
    child.send({ type: 'lock', id: 1, key: 'k', options: { ttl: 300, wait: 20_000 } });
    await waiters(1);
    child.stop();
    // Pushed to a socket that still takes bytes: the claim belongs to a process that does not run.
    await lock.release();
    const other = await a.acquire('k');
    expect(other.fencingToken).toBeGreaterThan(lock.fencingToken);

    child.resume();

    await expect(child.next('entered', { within: 500 })).rejects.toThrow('was silent');
    other.assertHeld();
    expect(await other.release()).toBe('released');
    const entered = await child.next('entered');
    expect(entered['fence']).toBeGreaterThan(other.fencingToken);
    child.send({ type: 'end', id: 1 });
    expect(await child.next('ended')).toMatchObject({ result: 'done' });
  });

  it('delays the next by its claim of 2 s at most (A14)', async () => {
    const child = await startChild();
    const lock = await a.acquire('k');
    child.send({ type: 'lock', id: 1, key: 'k', options: { wait: 20_000 } });
    await waiters(1);
    const next = openManager(server.url).acquire('k');
    await waiters(2);
    child.stop();
    await lock.release();

    const { ms, value } = await timed(next);

    expect(ms).toBeLessThan(2500 + NOISE_MS);
    await value?.release();
  });

  it('and was killed delays the next by nothing: nobody listens for it (A14)', async () => {
    const child = await startChild();
    const lock = await a.acquire('k');
    child.send({ type: 'lock', id: 1, key: 'k', options: { wait: 20_000 } });
    await waiters(1);
    const next = openManager(server.url).acquire('k');
    await waiters(2);
    await child.kill();
    await eventually(async () => expect(await redis.pubsub('CHANNELS', '*')).toHaveLength(2));
    await lock.release();

    const { ms, value } = await timed(next);

    expect(ms).toBeLessThan(NOISE_MS);
    await value?.release();
  });
});

describe('a holder whose process', () => {
  it('was killed is followed within what is left of its lease (A13)', async () => {
    const child = await startChild();
    child.send({ type: 'lock', id: 1, key: 'k', options: { ttl: 1000 } });
    await child.next('entered');
    const next = a.acquire('k');
    await waiters(1);
    await child.kill();
    const askedAt = performance.now();
    const left = await pttl();

    const { ms, value } = await timed(next);

    expect(performance.now() - askedAt).toBeGreaterThan(left - 1);
    expect(ms).toBeLessThan(left + NOISE_MS);
    await value?.release();
  });

  it('stands still for longer than its lease is told so when it goes on, and frees nothing', async () => {
    const child = await startChild();
    child.send({ type: 'lock', id: 1, key: 'k', options: { ttl: 300 } });
    await child.next('entered');
    child.stop();
    const next = await a.acquire('k');

    child.resume();

    await child.next('aborted');
    expect(await child.next('failed')).toMatchObject({ code: 'LOCK_LOST' });
    next.assertHeld();
    expect(await a.inspect('k')).toMatchObject({ holders: [{ pid: process.pid }] });
    expect(await next.release()).toBe('released');
  });
});

describe('a lost push (A13)', () => {
  it('as the subscriber’s connection was killed costs a reconnect, not the wait', async () => {
    const b = openManager(server.url);
    const lock = await a.acquire('k', { ttl: 1000 });
    const next = b.acquire('k', { wait: 20_000 });
    await waiters(1);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const left = await pttl();
    await lock.release();

    const { ms, value } = await timed(next);

    expect(ms).toBeLessThan(left + NOISE_MS);
    await value?.release();
  });

  it('as a network swallowed it is found by asking', async () => {
    const proxy = closing(await TcpProxy.start(server.port));
    const b = openManager(proxy.url);
    await b.withLock('warm-up', () => {});
    const lock = await a.acquire('k', { ttl: 1000 });
    const next = b.acquire('k', { wait: 20_000 });
    await waiters(1);
    // What carries pushes sends next to nothing.
    const [, subscriber] = [...proxy.openConnections].sort(
      (one, other) => other.bytesFromClient - one.bytesFromClient,
    );
    subscriber?.swallow();
    const left = await pttl();
    await lock.release();

    const { ms, value } = await timed(next);

    expect(ms).toBeLessThan(left + NOISE_MS);
    await value?.release();
  });

  it('to a process whose connections were all cut costs a reconnect', async () => {
    const proxy = closing(await TcpProxy.start(server.port));
    const b = openManager(proxy.url);
    const lock = await a.acquire('k');
    const next = b.acquire('k', { wait: 20_000 });
    await waiters(1);
    proxy.dropConnections();
    await lock.release();

    const { ms, value } = await timed(next);

    expect(ms).toBeLessThan(2000);
    await value?.release();
  });
});

describe('a process without error listeners (A17)', () => {
  it('survives the death of Redis with 10 holders and 10 waiters, and ends when it is closed', async () => {
    const child = await startChild({ shutdownTimeout: 500 });
    for (let i = 0; i < 10; i += 1) {
      child.send({ type: 'lock', id: `h${i}`, key: `k${i}`, options: { ttl: 2000 } });
      await child.next('entered');
    }
    for (let i = 0; i < 10; i += 1)
      child.send({ type: 'lock', id: `w${i}`, key: `k${i}`, options: { wait: 4000 } });
    child.send({ type: 'look', id: 'h0' });
    expect(await child.next('seen')).toMatchObject({ aborted: false });
    await server.kill();

    const isDone = ({ type }: { type: string }): boolean => type === 'failed';
    await eventually(
      () => expect(child.messages.filter((message) => isDone(message))).toHaveLength(20),
      { within: 30_000 },
    );
    const codes = child.messages
      .filter((message) => isDone(message))
      .map(({ id, code }) => [id, code]);
    for (const [id, code] of codes)
      expect(code).toBe(String(id).startsWith('h') ? 'LOCK_LOST' : 'LOCK_UNAVAILABLE');
    child.send({ type: 'shutdown' });
    await child.next('closed');
    const ended = await timed(child.exited);

    expect(ended.value).toEqual({ code: 0, signal: null });
    expect(ended.ms).toBeLessThan(NOISE_MS);
    expect(child.stderr).toBe('');
  });

  it('ends by itself once it is closed, with Redis there', async () => {
    const child = await startChild();
    child.send({ type: 'lock', id: 1, key: 'k' });
    await child.next('entered');
    child.send({ type: 'end', id: 1 });
    await child.next('ended');
    child.send({ type: 'shutdown' });
    await child.next('closed');

    const ended = await timed(child.exited);

    expect(ended.value).toEqual({ code: 0, signal: null });
    expect(ended.ms).toBeLessThan(NOISE_MS);
    expect(child.stderr).toBe('');
  });

  it('ends soon once it is closed while Redis loads its data', async () => {
    const loading = closing(await RedisServer.start({ args: ['--enable-debug-command', 'yes'] }));
    const [admin, observer] = [openClient(loading.url), openClient(loading.url)];
    await observer.ping();
    await admin.debug('POPULATE', 3000);
    await admin.config('SET', 'loading-process-events-interval-bytes', '1024');
    await admin.config('SET', 'key-load-delay', '5000');
    admin.debug('RELOAD').catch(() => undefined);
    await eventually(async () => expect(await observer.info()).toContain('loading:1'));
    const proxy = closing(await TcpProxy.start(loading.port));
    const child = await startChild({ connection: proxy.url });
    // It knows by now, and asks again later.
    await eventually(() => expect(proxy.openConnections[0]?.bytesFromServer).toBeGreaterThan(2000));
    child.send({ type: 'shutdown' });
    await child.next('closed');

    const ended = await timed(child.exited);

    expect(ended.value).toEqual({ code: 0, signal: null });
    expect(ended.ms).toBeLessThan(2000 + NOISE_MS);
  });

  it('hands over as it shuts down: who waits elsewhere enters at once', async () => {
    const child = await startChild({ shutdownTimeout: 0 });
    child.send({ type: 'lock', id: 1, key: 'k' });
    await child.next('entered');
    const next = a.acquire('k');
    await waiters(1);
    child.send({ type: 'shutdown' });

    const { ms, value } = await timed(next);

    expect(ms).toBeLessThan(2000);
    expect(await child.next('aborted')).toMatchObject({ id: 1 });
    await value?.release();
  });
});
