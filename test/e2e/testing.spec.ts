import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Locked, type LockOptions, LockService, RedisLockModule } from 'nestjs-redis-lock';
import {
  expectLocked,
  getLockTestingToken,
  LockTesting,
  LockTestingModule,
  type LockTestingOptions,
} from 'nestjs-redis-lock/testing';

import { afterTest } from '../support/after-test.js';
import { Gate } from '../support/gate.js';

@Injectable()
class Stock {
  readonly entered = new Gate();
  readonly leave = new Gate();

  @Locked('stock:{0}', { wait: 0 })
  async take(sku: string): Promise<string> {
    expectLocked(`stock:${sku}`);
    return sku;
  }

  @Locked('stock:{0}')
  async count(_sku: string): Promise<string> {
    this.entered.open();
    await this.leave.passed;
    return 'counted';
  }
}

async function start(options: LockTestingOptions = {}): Promise<TestingModule> {
  const imports = [LockTestingModule.forRoot({ wait: '100ms', ...options })];
  return opened(Test.createTestingModule({ imports, providers: [Stock] }));
}

async function opened(
  builder: ReturnType<typeof Test.createTestingModule>,
): Promise<TestingModule> {
  const module = await builder.compile();
  module.useLogger(false);
  await module.init();
  afterTest(() => module.close());
  return module;
}

describe('LockTestingModule', () => {
  it('locks in memory, like the module that it stands in for', async () => {
    const module = await start();

    expect(await module.get(Stock).take('42')).toBe('42');
  });

  it('takes the options of the module that it stands in for, of which memory has no use for some', async () => {
    const module = await start({
      replicas: { count: 1 },
      credentials: () => ({ password: 'p' }),
    });

    expect(await module.get(Stock).take('42')).toBe('42');
  });

  it('ends with its application what a test has left busy, at once', async () => {
    const module = await start();
    const busy = await module.get(LockTesting).makeBusy('stock:42');

    await module.close();

    expect(busy.signal.aborted).toBe(true);
  }, 8000);

  it('makes a lock busy until its release', async () => {
    const module = await start();
    const [stock, testing] = [module.get(Stock), module.get(LockTesting)];
    const busy = await testing.makeBusy('stock:42');

    await expect(stock.take('42')).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      holder: { label: 'LockTesting' },
    });
    expect(await stock.take('43')).toBe('43');
    await busy.release();
    expect(await stock.take('42')).toBe('42');
  });

  it.each<[string, LockOptions]>([
    ['an exclusive lock', {}],
    ['a shared lock', { mode: 'shared' }],
    ['a semaphore', { permits: 5 }],
  ])('makes a key busy that is used as %s', async (_, kind) => {
    const module = await start();
    const [locks, testing] = [module.get(LockService), module.get(LockTesting)];
    const busy = await testing.makeBusy('k');

    await expect(locks.acquire('k', kind)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    await expect(locks.acquire(['k', 'other'], kind)).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      key: 'k',
    });
    expect(await locks.inspect('k')).toMatchObject({ holders: [{ label: 'LockTesting' }] });
    await busy.release();
    expect(await locks.withLock('k', () => 'again', kind)).toBe('again');
  });

  it('makes a semaphore busy when its last permit is given back', async () => {
    const module = await start();
    const [locks, testing] = [module.get(LockService), module.get(LockTesting)];
    const permits = [1, 2].map(() => locks.acquire('k', { permits: 3 }));
    const [first, second] = await Promise.all(permits);
    const asked = testing.makeBusy('k');
    await first!.release();
    await second!.release();
    const busy = await asked;

    expect(await locks.tryAcquire('k', { permits: 3 })).toBeNull();
    await busy.release();
  });

  it('says who holds a lock that it can not make busy, within the time of a test', async () => {
    const module = await start();
    await using _ = await module.get(LockService).acquire('k', { label: 'Orders.pay' });

    await expect(module.get(LockTesting).makeBusy('k')).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      holder: { label: 'Orders.pay' },
    });
  });

  it('lets a waiting call in when the busy lock is given back', async () => {
    const module = await start({ wait: '10s' });
    const locks = module.get(LockService);
    const busy = await module.get(LockTesting).makeBusy('k');
    const waiting = new Promise((resolve) => locks.events.once('waiting', resolve));
    const entered = locks.withLock('k', () => 'entered');
    await waiting;
    await busy.release();

    expect(await entered).toBe('entered');
  });

  it('takes several keys of one call, all or none, and moves them', async () => {
    const module = await start();
    const locks = module.get(LockService);
    const lock = await locks.acquire(['a', 'b']);
    expect(await locks.tryAcquire(['b', 'c'])).toBeNull();
    await (await locks.attach(await lock.detach())).release();
    module.get(LockTesting).makeUnavailable();

    await expect(locks.acquire(['a', 'b'])).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  it('makes a held lock lost', async () => {
    const module = await start();
    const [stock, testing] = [module.get(Stock), module.get(LockTesting)];
    const counting = stock.count('42');
    counting.catch(() => undefined);
    await stock.entered.passed;
    await testing.makeLost('stock:42');
    stock.leave.open();

    await expect(counting).rejects.toMatchObject({ code: 'LOCK_LOST', result: 'counted' });
    await expect(testing.makeLost('stock:42')).rejects.toThrow('is free');
  });

  it('makes no lock lost of which only the rest of a `minHold` is left', async () => {
    const module = await start();
    const lock = await module.get(LockService).acquire('k', { minHold: '1h' });
    await lock.release();

    await expect(module.get(LockTesting).makeLost('k')).rejects.toThrow('is free');
  });

  it('tells code that runs on under a lock that is lost', async () => {
    const module = await start();
    const run = module.get(LockService).withLock('k', async () => {
      expectLocked('k');
      await module.get(LockTesting).makeLost('k');
      expectLocked('k');
    });

    await expect(run).rejects.toThrow('Expected to run under the lock "k"; it is lost.');
  });

  it.each<[string, LockOptions]>([
    ['an exclusive lock', {}],
    ['a shared lock', { mode: 'shared' }],
    ['a permit', { permits: 3 }],
  ])('has told the holder of %s of its loss when it resolves', async (_, kind) => {
    const module = await start();
    const lock = await module.get(LockService).acquire('k', kind);
    await module.get(LockTesting).makeLost('k');

    expect(lock.signal.aborted).toBe(true);
    expect(() => lock.assertHeld()).toThrow('was lost');
    module.get(LockTesting).expectFree('k');
  });

  it('makes locks unavailable, and available again', async () => {
    const module = await start();
    const [locks, testing] = [module.get(LockService), module.get(LockTesting)];
    testing.makeUnavailable();

    await expect(locks.acquire('k')).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      nodes: ['lock-testing'],
    });
    await expect(locks.inspect('k')).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    testing.makeAvailable();
    expect(await locks.withLock('k', () => 'again')).toBe('again');
  });

  it('lets a call through that waits while locks become available', async () => {
    const module = await start({ wait: '10s' });
    const [locks, testing] = [module.get(LockService), module.get(LockTesting)];
    testing.makeUnavailable();
    const entered = locks.withLock('k', () => 'entered');
    testing.makeAvailable();

    expect(await entered).toBe('entered');
  });

  it('has a module for each name', async () => {
    const imports = [LockTestingModule.forRoot({ name: 'inventory' })];
    const module = await opened(Test.createTestingModule({ imports }));
    const testing: LockTesting = module.get(getLockTestingToken('inventory'), { strict: false });
    await using _ = await testing.makeBusy('k');

    testing.expectLocked('k');
  });

  it('takes the place of the real module of an application', async () => {
    const locking = RedisLockModule.forRoot({ connection: 'redis://127.0.0.1:1' });
    const builder = Test.createTestingModule({ imports: [locking], providers: [Stock] });
    const module = await opened(
      builder.overrideModule(locking).useModule(LockTestingModule.forRoot()),
    );

    expect(await module.get(Stock).take('42')).toBe('42');
  });
});

describe('expectLocked', () => {
  it('passes inside the section, and names the lock that is there instead', async () => {
    const locks = (await start()).get(LockService);

    await locks.withLock('a', async () => {
      await locks.withLock('b', () => expectLocked('a'));
      expect(() => expectLocked('b')).toThrow('under the lock "b"; this runs under the lock "a"');
    });
    expect(() => expectLocked('a')).toThrow('this runs under no lock');
  });

  it('fails in what a section started and has outlived', async () => {
    const locks = (await start()).get(LockService);
    const released = new Gate();
    const late = await locks.withLock('a', () => [released.passed.then(() => expectLocked('a'))]);
    released.open();

    await expect(late[0]).rejects.toThrow('this runs under no lock');
  });

  it('of LockTesting asks whether anybody holds the lock', async () => {
    const module = await start();
    const [locks, testing] = [module.get(LockService), module.get(LockTesting)];
    testing.expectFree('k');
    expect(() => testing.expectLocked('k')).toThrow(
      'Expected the lock "k" to be held; it is free.',
    );
    await using _ = await locks.acquire('k');

    testing.expectLocked('k');
    expect(() => testing.expectFree('k')).toThrow('Expected the lock "k" to be free; it is held.');
  });
});
