import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import type { LockOptions } from '../../../lib/engine/api/lock-options.js';
import type { LockManager } from '../../../lib/engine/lock-manager.js';
import { closing } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { freeze } from '../../support/freeze.js';
import { openClient, openManager } from '../../support/managers.js';
import { NOISE_MS } from '../../support/noise.js';
import { RedisServer } from '../../support/redis-server.js';
import { freePort } from '../../support/spawn-redis.mjs';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { timed } from '../../support/timed.js';
import type { Timed } from '../../support/timed.js';

const WAIT = 1000;

/** Wait is a promise (A11): so long, and not until a command or a connection times out. */
function expectUnavailableInTime({ ms, error }: Timed<unknown>, wait = WAIT): void {
  expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE', keys: ['k'] });
  expect(ms).toBeGreaterThanOrEqual(wait);
  expect(ms).toBeLessThan(wait + NOISE_MS);
}

async function warm(manager: LockManager): Promise<void> {
  await manager.withLock('warm-up', () => {});
}

describe('acquire, when Redis can’t be reached (A11)', () => {
  it('rejects after its wait when the server is down', async () => {
    const manager = openManager(`redis://127.0.0.1:${await freePort()}`);

    expectUnavailableInTime(await timed(() => manager.acquire('k', { wait: WAIT })));
  });

  it('rejects after its wait when a user’s client can’t connect', async () => {
    const client = openClient(`redis://127.0.0.1:${await freePort()}`);
    const manager = openManager(client);

    expectUnavailableInTime(await timed(() => manager.acquire('k', { wait: WAIT })));
  });

  it('rejects after its wait when the server accepts and never answers', async () => {
    const server = closing(await RedisServer.start());
    const proxy = closing(await TcpProxy.start(server.port));
    proxy.blackHole();
    const manager = openManager(proxy.url);

    expectUnavailableInTime(await timed(() => manager.acquire('k', { wait: WAIT })));
  });

  it('rejects after its wait when the server hangs, and the lock is free afterwards', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url);
    await warm(manager);
    server.pause();

    expectUnavailableInTime(await timed(() => manager.acquire('k', { wait: WAIT })));

    server.resume();
    const redis = openClient(server.url);
    await eventually(async () => expect(await redis.keys('*')).toEqual(['lock:!fence']), {
      within: 20_000,
    });
  });

  it('rejects after its wait when the server was killed, and works again when it is back', async () => {
    const server = closing(await RedisServer.start());
    const manager = openManager(server.url);
    await warm(manager);
    await server.kill();

    expectUnavailableInTime(await timed(() => manager.acquire('k', { wait: WAIT })));
    const waiting = manager.acquire('k', { wait: 30_000 });
    await server.restart();

    expect(await (await waiting).release()).toBe('released');
  });

  it('takes one try when asked not to wait', async () => {
    const manager = openManager(`redis://127.0.0.1:${await freePort()}`, { commandTimeout: 300 });

    const tried = await timed(manager.tryAcquire('k'));

    expect(tried.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(tried.ms).toBeLessThan(300 + NOISE_MS);
  });

  it('tells why, without secrets', async () => {
    const port = await freePort();
    const manager = openManager(`redis://:hunter2@127.0.0.1:${port}`, { commandTimeout: 1000 });

    const { error } = await timed(manager.tryAcquire('k'));

    const { nodes, cause } = error as { nodes: string[]; cause: Error };
    expect(nodes).toEqual([`127.0.0.1:${port}`]);
    expect(cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(JSON.stringify([error, String(error), cause, Object.entries(cause)])).not.toContain(
      'hunter2',
    );
  });
});

describe('a waiter whose lock was busy when Redis was last heard of', () => {
  it('rejects as busy when nothing has failed since', async () => {
    const server = closing(await RedisServer.start());
    const [a, b] = [openManager(server.url), openManager(server.url)];
    const lock = await a.acquire('k');

    const waited = await timed(() => b.acquire('k', { wait: WAIT }));

    expect(waited.error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'k', keys: ['k'] });
    expect(waited.ms).toBeGreaterThanOrEqual(WAIT);
    expect(waited.ms).toBeLessThan(WAIT + NOISE_MS);
    expect(await lock.release()).toBe('released');
  });

  it('rejects as unavailable when a command is overdue', async () => {
    const server = closing(await RedisServer.start());
    const [a, b] = [openManager(server.url), openManager(server.url)];
    await a.acquire('k', { ttl: 600 });
    await warm(b);
    const wait = 3000;
    const waiting = timed(() => b.acquire('k', { wait, ttl: 600 }));
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await freeze(server.port, 6000);

    expectUnavailableInTime(await waiting, wait);
  });

  it('rejects as unavailable when Redis is gone', async () => {
    const server = closing(await RedisServer.start());
    const [a, b] = [openManager(server.url), openManager(server.url)];
    await a.acquire('k', { ttl: 500 });
    await warm(b);
    const waiting = timed(() => b.acquire('k', { wait: WAIT }));
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    await server.kill();

    expectUnavailableInTime(await waiting);
  });

  it('does not make a try beside it a busy one once Redis has failed', async () => {
    const server = closing(await RedisServer.start());
    const a = openManager(server.url);
    const b = openManager(server.url, { commandTimeout: 300 });
    await a.acquire('k', { ttl: 500 });
    await warm(b);
    const failures: unknown[] = [];
    const waiting = timed(b.acquire('k', { wait: 8000 }));
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    expect(await b.tryAcquire('k')).toBeNull();
    await server.kill();

    await eventually(
      async () => {
        const { error } = await timed(b.tryAcquire('k'));
        failures.push(error);
        expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
      },
      { within: 6000 },
    );
    expect(await waiting).toMatchObject({ error: { code: 'LOCK_UNAVAILABLE' } });
  });
});

describe('Redis refuses', () => {
  /** Runs `refuse` on a server, expects an acquire to fail by it, and to work after `accept`. */
  async function expectRefusal(
    code: string,
    args: readonly string[],
    refuse: (redis: Redis, server: RedisServer) => Promise<unknown>,
    accept: (redis: Redis) => Promise<unknown>,
  ): Promise<void> {
    const server = closing(await RedisServer.start({ args }));
    const redis = openClient(server.url);
    const manager = openManager(server.url);
    await warm(manager);
    await refuse(redis, server);

    const refused = await timed(manager.acquire('k', { wait: WAIT }));
    const { cause } = refused.error as { cause?: Error };
    expect(refused.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(String(cause?.message ?? refused.error)).toContain(code);
    expect(refused.ms).toBeLessThan(WAIT + NOISE_MS);
    await expect(manager.tryAcquire('k')).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });

    await accept(redis);
    const lock = await manager.acquire('k', { wait: 30_000 });
    expect(await lock.release()).toBe('released');
    expect(await redis.keys('*')).toEqual(['lock:!fence']);
  }

  it('as it is out of memory (OOM)', () =>
    expectRefusal(
      'OOM',
      [],
      (redis) => redis.config('SET', 'maxmemory', '1'),
      (redis) => redis.config('SET', 'maxmemory', '0'),
    ));

  it('as it is a replica (READONLY)', () =>
    expectRefusal(
      'READONLY',
      [],
      (redis) => redis.replicaof('127.0.0.1', 1),
      (redis) => redis.replicaof('NO', 'ONE'),
    ));

  it('as it has too few replicas (NOREPLICAS)', () =>
    expectRefusal(
      'NOREPLICAS',
      [],
      (redis) => redis.config('SET', 'min-replicas-to-write', '1'),
      (redis) => redis.config('SET', 'min-replicas-to-write', '0'),
    ));

  it('as a script of somebody else keeps it busy (BUSY)', () => {
    let endless: Promise<unknown> = Promise.resolve();
    return expectRefusal(
      'BUSY',
      ['--busy-reply-threshold', '5'],
      async (redis, server) => {
        endless = openClient(server.url)
          .eval('while true do end', 0)
          .catch(() => undefined);
        await eventually(() => expect(redis.ping()).rejects.toThrow('BUSY'));
      },
      async (redis) => {
        await redis.script('KILL');
        await endless;
      },
    );
  });

  it('as it can’t save (MISCONF)', () =>
    expectRefusal(
      'MISCONF',
      ['--enable-protected-configs', 'yes'],
      async (redis) => {
        // A snapshot that can't be written: not even root makes files there.
        await redis.config('SET', 'dir', '/proc');
        await redis.config('SET', 'save', '1000 1');
        await redis.bgsave();
        await eventually(async () =>
          expect(await redis.info('persistence')).toContain('rdb_last_bgsave_status:err'),
        );
      },
      (redis) => redis.config('SET', 'stop-writes-on-bgsave-error', 'no'),
    ));

  it('as it loads its data (LOADING)', async () => {
    const server = closing(await RedisServer.start({ args: ['--enable-debug-command', 'yes'] }));
    const redis = openClient(server.url);
    const manager = openManager(server.url);
    await warm(manager);
    await redis.debug('POPULATE', 800);
    await redis.config('SET', 'loading-process-events-interval-bytes', '1024');
    await redis.config('SET', 'key-load-delay', '5000');
    const other = openClient(server.url);
    await other.ping();
    const loaded = redis.debug('RELOAD');
    // It loads: a lock that was taken before would be known to be busy here, and never asked for.
    await eventually(() => expect(other.ping()).rejects.toThrow('LOADING'));
    await eventually(async () => {
      const { error } = await timed(manager.tryAcquire('k'));
      expect(String((error as { cause?: Error })?.cause?.message)).toContain('LOADING');
      expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    });

    const lock = await manager.acquire('k', { wait: 30_000 });

    await loaded;
    expect(await lock.release()).toBe('released');
  });

  it('as the password is wrong', async () => {
    const server = closing(await RedisServer.start({ args: ['--requirepass', 'right'] }));
    const url = `redis://:wrong@127.0.0.1:${server.port}`;
    const manager = openManager(url, { commandTimeout: 300 });

    const refused = await timed(manager.acquire('k', { wait: WAIT }));

    expect(refused.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(String((refused.error as { cause?: Error }).cause?.message)).toContain('WRONGPASS');
    expect(refused.ms).toBeLessThan(WAIT + NOISE_MS);
  });
});

describe('out of memory (A34)', () => {
  it('lets who holds renew, extend and release, and who waits have the lock', async () => {
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    const [a, b] = [openManager(server.url), openManager(server.url)];
    await warm(b);
    const lock = await a.acquire('k', { ttl: 900 });
    const dwelling = await a.acquire('dwelling', { minHold: 100 });
    const next = b.acquire('k', { ttl: 2000 });
    await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
    let renewals = 0;
    a.events.on('renewed', () => (renewals += 1));
    await redis.config('SET', 'maxmemory', '1');

    await eventually(() => expect(renewals).toBeGreaterThan(3));
    await lock.extend(10_000);
    expect(await lock.release()).toBe('released');
    const handed = await next;
    await handed.extend(5000);
    expect(await handed.release()).toBe('released');
    expect(await dwelling.release()).toBe('released');

    await eventually(async () => expect(await redis.keys('*')).toEqual(['lock:!fence']));
  });

  it.each<[string, LockOptions]>([
    ['an exclusive lock', {}],
    ['a shared lock', { mode: 'shared' }],
    ['a permit', { permits: 2 }],
  ])('lets %s move to another process', async (_, kind) => {
    const server = closing(await RedisServer.start());
    const [a, b] = [openManager(server.url), openManager(server.url)];
    await warm(b);
    const lock = await a.acquire('k', kind);
    await openClient(server.url).config('SET', 'maxmemory', '1');

    const attached = await b.attach(await lock.detach());
    expect(attached.fencingToken).toBe(lock.fencingToken);
    expect(await attached.release()).toBe('released');
  });
});

describe('a script that Redis has forgotten (NOSCRIPT)', () => {
  it('is sent again, whatever the command', async () => {
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    const flush = (): Promise<unknown> => redis.script('FLUSH');
    const [a, b] = [openManager(server.url), openManager(server.url)];
    await warm(b);

    await flush();
    const first = await a.acquire('k');
    await flush();
    await first.extend();
    await flush();
    const waiting = b.acquire('k');
    await eventually(async () => expect(await redis.zcard('lock:!q:{lock:k}')).toBe(1));
    await flush();
    expect(await a.inspect('k')).toMatchObject({ waiters: 1 });
    await flush();
    expect(await first.release()).toBe('released');
    const second = await waiting;
    await flush();
    expect(await a.tryAcquire('k')).toBeNull();
    await flush();
    expect(await a.forceRelease('k')).toBe(true);
    await eventually(() => expect(second.signal.aborted).toBe(true));

    expect(await redis.keys('*')).toEqual(['lock:!fence']);
  });
});

describe('a value of another type under the key', () => {
  it('is a fault of configuration, told at once, and left as it is', async () => {
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    await redis.rpush('lock:k', 'not a lock');
    const manager = openManager(server.url);

    const acquired = await timed(manager.acquire('k', { wait: 30_000 }));
    const tried = await timed(manager.tryAcquire('k'));
    const inspected = await timed(manager.inspect('k'));
    const forced = await timed(manager.forceRelease('k'));

    for (const { error } of [acquired, tried, inspected, forced])
      expect(error).toMatchObject({ code: 'LOCK_CONFIG', keys: ['k'] });
    expect(acquired.ms).toBeLessThan(5000);
    expect(await redis.lrange('lock:k', 0, -1)).toEqual(['not a lock']);
  });

  it('put there while the lock is held makes it lost, and its release says so', async () => {
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    const manager = openManager(server.url);
    const lock = await manager.acquire('k');
    await redis.del('lock:k');
    await redis.rpush('lock:k', 'not a lock');

    expect(await lock.release()).toBe('lost');

    await lock[Symbol.asyncDispose]();
    expect(await redis.lrange('lock:k', 0, -1)).toEqual(['not a lock']);
  });

  it('is not listed', async () => {
    const server = closing(await RedisServer.start());
    const redis = openClient(server.url);
    await redis.rpush('lock:k', 'not a lock');
    await redis.set(`lock:${'x'.repeat(600)}`, 'a key that no lock can have');
    const manager = openManager(server.url);
    await manager.acquire('mine');

    const listed: string[] = [];
    for await (const { key } of manager.list()) listed.push(key);

    expect(listed).toEqual(['mine']);
  });
});
