import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { InjectLockService, Locked, LockService, RedisLockModule } from 'nestjs-redis-lock';
import { LockMetricsModule } from 'nestjs-redis-lock/prometheus';
import { Counter, register, Registry } from 'prom-client';

import { eventually } from '../support/eventually.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { startApp } from './support/app.js';

@Injectable()
class Shop {
  constructor(readonly locks: LockService) {}

  @Locked('order:{0}', { wait: '30s' })
  async pay(_id: string): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }

  @Locked('order:{0}', { wait: 0 })
  async tryToPay(_id: string): Promise<void> {}
}

/** Sums of a scrape, by metric and by the value of one more label. */
async function scrape(registry: Registry, template: string): Promise<(name: string) => number> {
  const text = await registry.metrics();
  const lines = text.split('\n').filter((line) => line.includes(`template="${template}"`));
  return (name) =>
    lines
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name},`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function startShop(registry?: Registry, keyPrefix = uniquePrefix()) {
  const { app, locks } = await startApp({
    // A try that a busy machine answers late must not count as an outage.
    lock: { connection: sharedRedisUrl(), keyPrefix, commandTimeout: '20s' },
    imports: [LockMetricsModule.forRoot(registry && { registry })],
    providers: [Shop],
  });
  return { app, locks, shop: app.get(Shop) };
}

describe('metrics', () => {
  it('add up with what happened, in every scrape of a storm', async () => {
    const registry = new Registry();
    const keyPrefix = uniquePrefix();
    const here = await startShop(registry, keyPrefix);
    const other = await startShop(new Registry(), keyPrefix);
    const ids = ['a', 'b', 'c', 'd'];
    const calls = ids.flatMap((id) =>
      Array.from({ length: 50 }, (_, i) => {
        void other.shop.pay(id).catch(() => undefined);
        return i % 5 === 0
          ? here.shop.tryToPay(id).then(
              () => 'got' as const,
              () => 'busy' as const,
            )
          : here.shop.pay(id).then(() => 'got' as const);
      }),
    );
    const storm = { over: false };
    const outcomes = Promise.all(calls).finally(() => (storm.over = true));
    while (!storm.over) {
      const of = await scrape(registry, 'order:{0}');
      const held = of('redis_lock_held');
      expect(of('redis_lock_acquired_total')).toBe(held + of('redis_lock_held_seconds_count'));
      expect(of('redis_lock_acquired_total')).toBe(of('redis_lock_wait_seconds_count'));
      expect(of('redis_lock_waiters') + of('redis_lock_busy_total')).toBe(
        calls.length - of('redis_lock_acquired_total'),
      );
      expect(held).toBeLessThanOrEqual(ids.length);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const got = (await outcomes).filter((outcome) => outcome === 'got').length;
    const of = await scrape(registry, 'order:{0}');

    expect(of('redis_lock_acquired_total')).toBe(got);
    expect(of('redis_lock_busy_total')).toBe(calls.length - got);
    expect(of('redis_lock_waiters') + of('redis_lock_held') + of('redis_lock_lost_total')).toBe(0);
    const text = await registry.metrics();
    expect(text).toMatch(/acquired_total\{.*way="handoff"\} [1-9]/);
    expect(text).toMatch(/acquired_total\{.*way="local"\} [1-9]/);
    await eventually(() => expect(other.locks.inspect('order:a')).resolves.toBeNull());
  });

  it('are labelled with the template, or LockService, and never with a key', async () => {
    const registry = new Registry();
    const { shop, locks } = await startShop(registry);
    await shop.pay('4711');
    await locks.withLock('customer:0815', () => {}, { label: 'report' });
    const text = await registry.metrics();

    expect(text).toContain(
      'redis_lock_acquired_total{service="default",template="order:{0}",way="free"} 1',
    );
    expect(text).toContain('redis_lock_held{service="default",template="LockService"} 0');
    expect(text).not.toMatch(/4711|0815|report/);
  });

  it('count what was lost, aborted and unavailable', async () => {
    const registry = new Registry();
    const { locks } = await startShop(registry);
    const lock = await locks.acquire('k');
    await expect(locks.acquire('k', { signal: AbortSignal.timeout(5) })).rejects.toBeDefined();
    await locks.forceRelease('k');
    await eventually(() => expect(lock.signal.aborted).toBe(true));
    const of = await scrape(registry, 'LockService');

    expect(of('redis_lock_lost_total')).toBe(1);
    expect(of('redis_lock_abandoned_total')).toBe(1);
    expect(of('redis_lock_held_seconds_count')).toBe(1);
    expect(of('redis_lock_held')).toBe(0);
  });

  it('count the permits in use, until each is given back, lost or detached', async () => {
    const registry = new Registry();
    const { locks } = await startShop(registry);
    const inUse = async (): Promise<number> =>
      (await scrape(registry, 'LockService'))('redis_lock_permits_in_use');
    const held = [];
    for (let i = 0; i < 4; i += 1) held.push(await locks.acquire('export', { permits: 5 }));
    const other = await locks.acquire('order:7');
    expect(await inUse()).toBe(4);

    await held[0]!.release();
    await held[1]!.detach();
    expect(await inUse()).toBe(2);
    await locks.forceRelease('export');
    await eventually(async () => expect(await inUse()).toBe(0));
    await other.release();
  });

  it('tell two services of an application apart, and count each once', async () => {
    const registry = new Registry();
    @Injectable()
    class Both {
      constructor(
        readonly first: LockService,
        @InjectLockService('inventory') readonly second: LockService,
      ) {}
    }
    const { app } = await startApp({
      imports: [
        RedisLockModule.forRoot({ name: 'inventory', connection: 'memory' }),
        LockMetricsModule.forRoot({ registry }),
        LockMetricsModule.forRoot({ registry }),
      ],
      providers: [Both],
    });
    const { first, second } = app.get(Both);
    await first.withLock('k', () => {});
    await second.withLock('k', () => second.withLock('l', () => {}));
    const text = await registry.metrics();

    expect(text).toMatch(/acquired_total\{service="default",[^}]*way="free"\} 1\n/);
    expect(text).toMatch(/acquired_total\{service="inventory",[^}]*way="free"\} 2\n/);
  });

  it('of two applications stay apart in two registries, and add up in the global one', async () => {
    const [one, two] = [new Registry(), new Registry()];
    const [a, b] = [await startShop(one), await startShop(two)];
    await a.shop.pay('1');
    expect((await scrape(one, 'order:{0}'))('redis_lock_acquired_total')).toBe(1);
    expect((await scrape(two, 'order:{0}'))('redis_lock_acquired_total')).toBe(0);
    await b.app.close();
    expect(await two.metrics()).not.toContain('redis_lock');

    const [c, d] = [await startShop(), await startShop()];
    await Promise.all([c.shop.pay('1'), d.shop.pay('1')]);
    expect((await scrape(register, 'order:{0}'))('redis_lock_acquired_total')).toBe(2);
    await Promise.all([c.app.close(), d.app.close()]);
    expect(await register.metrics()).not.toContain('redis_lock');
  });

  it('of an application stay when an older one closes whose registry was cleared', async () => {
    const registry = new Registry();
    const older = await startShop(registry);
    registry.clear();
    const newer = await startShop(registry);
    await newer.shop.pay('1');

    await older.app.close();

    expect((await scrape(registry, 'order:{0}'))('redis_lock_acquired_total')).toBe(1);
    await newer.app.close();
    expect(await registry.metrics()).not.toContain('redis_lock');
  });

  it('stand in a registry of OpenMetrics, and beside metrics of the application', async () => {
    const registry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    new Counter({ name: 'orders', help: 'orders', registers: [registry] }).inc();
    const { shop } = await startShop(registry);
    await shop.pay('1');
    const text = await registry.metrics();

    expect(text).toContain('# TYPE redis_lock_acquired counter');
    expect(text).toMatch(/^redis_lock_acquired_total\{.*way="free"\} 1$/m);
    expect(text).toMatch(/^redis_lock_wait_seconds_bucket\{.*le="\+Inf"\} 1$/m);
    expect(await registry.getMetricsAsJSON()).toHaveLength(12);
  });
});
