import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { freeze } from './freeze.js';
import { RedisServer } from './redis-server.js';
import { sharedRedisUrl, uniquePrefix } from './shared-redis.js';

describe('RedisServer', () => {
  let server: RedisServer;
  let redis: Redis;

  beforeEach(async () => {
    server = await RedisServer.start({ args: ['--maxclients', '77'] });
    redis = new Redis(server.url, { retryStrategy: () => 20, disconnectTimeout: 0 });
    redis.on('error', () => {});
  });

  afterEach(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('takes options and commands', async () => {
    expect(await redis.config('GET', 'maxclients')).toEqual(['maxclients', '77']);
    expect(await redis.config('GET', 'save')).toEqual(['save', '']);
  });

  it('comes back empty on the same port after a restart', async () => {
    await redis.set('k', '1');

    await server.restart();

    expect(await redis.get('k')).toBeNull();
  });

  it('answers nothing while it is paused, and everything afterwards', async () => {
    server.pause();
    let answered = false;
    const reply = redis.set('k', '1').then(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(answered).toBe(false);

    server.resume();

    expect(await reply).toBe(true);
  });

  it('answers nothing while it is frozen', async () => {
    await redis.ping();
    await freeze(server.port, 80);
    const frozenAt = performance.now();

    await redis.set('k', '1');

    expect(performance.now() - frozenAt).toBeGreaterThan(60);
  });

  it('says why it could not start', async () => {
    const attempt = RedisServer.start({ args: ['--maxmemory', 'nonsense'] });

    await expect(attempt).rejects.toThrow(/maxmemory/);
  });

  it('stops twice, also when it is paused', async () => {
    server.pause();

    await server.stop();
    await server.stop();

    expect(() => server.pid).toThrow('is not running');
  });
});

describe('the shared server', () => {
  it('runs, and prefixes are unique', async () => {
    const redis = new Redis(sharedRedisUrl());
    expect(await redis.ping()).toBe('PONG');
    expect(uniquePrefix()).not.toBe(uniquePrefix());
    redis.disconnect();
  });
});
