import { describe, expect, it } from '@jest/globals';

import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { timed } from '../../support/timed.js';

describe('keys (A28)', () => {
  it('of any characters are locks of their own, waited for and handed over, in every prefix', async () => {
    const keys = [
      'fence',
      '{k}:q',
      '{}',
      '}{',
      'a}b',
      'a{b',
      '{a}',
      '{a}b',
      'b{a}',
      '{a}{b}',
      'lock:',
      ':',
      '~',
      '*',
      '?[a-z]\\',
      ' ',
      'with "quotes" and \'others\'',
      'new\nline\r\n\ttab',
      '\0',
      'ünïcödé 🔒 鍵',
      'x'.repeat(512),
      '鍵'.repeat(170),
      'q:{k}',
      'g:abc',
    ];
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    for (const keyPrefix of ['lock:', '', '{tag}:', 'a}b']) {
      const a = openManager(server.url, { keyPrefix });
      const b = openManager(server.url, { keyPrefix });
      await b.withLock('warm-up', () => {});
      const locks = await Promise.all(keys.map((key) => a.acquire(key)));
      expect(new Set(await redis.keys('*')).size).toBe(keys.length + 1);
      const waiting = keys.map((key) => b.acquire(key));
      await eventually(async () => {
        for (const key of keys) expect((await b.inspect(key))?.waiters).toBe(1);
      });
      const listed = new Set<string>();
      for await (const { key } of a.list()) listed.add(key);
      expect(listed).toEqual(new Set(keys));

      await Promise.all(locks.map((lock) => lock.release()));

      for (const lock of await Promise.all(waiting)) expect(await lock.release()).toBe('released');
      expect(await redis.keys('*')).toEqual([`${keyPrefix}!fence`]);
      await redis.flushall();
    }
  });

  it.each([
    ['empty', ''],
    ['one of ours', '!fence'],
    ['too long', 'x'.repeat(513)],
    ['too long in bytes', '鍵'.repeat(171)],
    ['half a character', '\ud800'],
    ['no string', 7],
    ['null', null],
    ['an empty list', []],
    ['a list with an empty key', ['']],
  ])('that are none are refused before anything is sent: %s', async (_, key) => {
    const manager = openManager('redis://127.0.0.1:1');

    for (const call of [manager.acquire(key as string), manager.tryAcquire(key as string)]) {
      const { error, ms } = await timed<unknown>(call);
      expect(error).toMatchObject({ code: 'LOCK_KEY' });
      expect(ms).toBeLessThan(NOISE_MS);
    }
  });

  it('in a list count once', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url);

    const lock = await manager.acquire(['k', 'k']);

    expect(lock.keys).toEqual(['k']);
    expect(await manager.tryAcquire('k')).toBeNull();
  });

  it('of one process beside those of another prefix are separate', async () => {
    const server = closing(await RedisServer.start());
    const a = openManager(server.url, { keyPrefix: 'a:' });
    const b = openManager(server.url, { keyPrefix: 'b:' });
    await a.acquire('k');

    expect(await b.tryAcquire('k')).not.toBeNull();
  });
});
