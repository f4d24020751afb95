import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { eventually } from './eventually.js';
import { sharedRedisPort, sharedRedisUrl, uniquePrefix } from './shared-redis.js';
import { TcpProxy } from './tcp-proxy.js';

describe('TcpProxy', () => {
  let direct: Redis;
  let key: string;
  let proxy: TcpProxy;
  let redis: Redis;

  beforeEach(async () => {
    key = uniquePrefix();
    direct = new Redis(sharedRedisUrl());
    proxy = await TcpProxy.start(sharedRedisPort());
    redis = new Redis(proxy.url, {
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      commandTimeout: 2000,
      disconnectTimeout: 0,
    });
    redis.on('error', () => {});
    await redis.ping();
  });

  afterEach(async () => {
    redis.disconnect();
    direct.disconnect();
    await proxy.close();
  });

  it('passes everything on and counts it', async () => {
    await redis.set(key, 'x'.repeat(100_000));

    expect(await redis.get(key)).toHaveLength(100_000);
    expect(proxy.connections).toHaveLength(1);
    expect(proxy.openConnections[0]?.bytesFromClient).toBeGreaterThan(100_000);
    expect(proxy.openConnections[0]?.bytesFromServer).toBeGreaterThan(100_000);
  });

  it('cuts after the command was executed and before its reply', async () => {
    const cut = proxy.cutOnNextReply();

    await expect(redis.set(key, '1')).rejects.toThrow();

    await cut;
    await eventually(async () => expect(await direct.get(key)).toBe('1'));
    expect(proxy.openConnections).toHaveLength(0);
  });

  it('cuts only on the bytes it waits for, in a pipeline too', async () => {
    const cut = proxy.cutOnNextReply({ containing: 'SETEX' });
    await redis.set(key, '1');

    const replies = Promise.allSettled([redis.get(key), redis.setex(key, 60, '2')]);

    await cut;
    expect((await replies)[1].status).toBe('rejected');
    await eventually(async () => expect(await direct.get(key)).toBe('2'));
  });

  it('delays replies in order', async () => {
    proxy.delayReplies(60);
    const start = performance.now();
    const slow = redis.incr(key);
    await eventually(async () => expect(await direct.get(key)).toBe('1'));
    proxy.delayReplies(0);

    expect(await Promise.all([slow, redis.incr(key)])).toEqual([1, 2]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(59);
  });

  it('keeps back the replies it waits for until it passes again', async () => {
    proxy.holdReplies({ containing: 'INCR' });
    expect(await redis.set(key, '1')).toBe('OK');
    const held = redis.incr(key);
    await eventually(() => expect(proxy.holding).toBe(1));

    await proxy.pass();

    expect(await held).toBe(2);
    expect(proxy.holding).toBe(0);
  });

  it('accepts and never answers as a black hole', async () => {
    proxy.blackHole();

    await expect(redis.ping()).rejects.toThrow('timed out');

    expect(proxy.openConnections).toHaveLength(1);
  });

  it('leaves the client of a half-open connection in the dark', async () => {
    proxy.halfOpen();

    await expect(redis.ping()).rejects.toThrow('timed out');

    expect(redis.status).toBe('ready');
    expect(await direct.ping()).toBe('PONG');
  });

  it('refuses new connections until it passes again', async () => {
    proxy.refuse();
    proxy.dropConnections();
    const late = new Redis(proxy.url, { lazyConnect: true, retryStrategy: () => null });
    late.on('error', () => {});
    await expect(late.connect()).rejects.toThrow();

    await proxy.pass();
    await late.connect();

    expect(await late.ping()).toBe('PONG');
    late.disconnect();
  });
});
