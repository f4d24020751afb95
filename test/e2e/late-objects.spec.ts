import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope, type Type } from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { Locked, LockService, RedisLockModule } from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { startApp } from './support/app.js';

class Jobs {
  running = 0;
  most = 0;

  @Locked('job')
  async run(): Promise<void> {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await new Promise((resolve) => setImmediate(resolve));
    this.running -= 1;
  }
}

async function runTogether(jobs: Jobs): Promise<number> {
  await Promise.all(Array.from({ length: 5 }, () => jobs.run()));
  return jobs.most;
}

describe('an object that is made after start', () => {
  it.each([Scope.TRANSIENT, Scope.REQUEST])(
    'by a useFactory of scope %i takes its locks',
    async (scope) => {
      const { app } = await startApp({
        providers: [{ provide: 'made', scope, useFactory: () => new Jobs() }],
      });

      expect(await runTogether(await app.resolve<Jobs>('made'))).toBe(1);
    },
  );

  it('by a useFactory that needs the request takes its locks', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {}
    const { app } = await startApp({
      providers: [
        Tenant,
        { provide: 'made', inject: [Tenant], useFactory: () => Promise.resolve(new Jobs()) },
      ],
    });

    expect(await runTogether(await app.resolve<Jobs>('made'))).toBe(1);
  });

  it('frozen, is refused as it is made', async () => {
    const { app } = await startApp({
      providers: [
        { provide: 'made', scope: Scope.TRANSIENT, useFactory: () => Object.freeze(new Jobs()) },
      ],
    });

    await expect(app.resolve('made')).rejects.toMatchObject({
      code: 'LOCK_CONFIG',
      message: expect.stringContaining('the object is frozen'),
    });
  });
});

describe('a module that is loaded lazily', () => {
  async function load(feature: Type): Promise<ModuleRef> {
    const { app } = await startApp({});
    return app.get(LazyModuleLoader).load(() => feature);
  }

  it('has its methods locked, of classes and of made objects', async () => {
    class Nightly extends Jobs {}
    @Module({ providers: [Nightly, { provide: 'made', useFactory: () => new Jobs() }] })
    class Feature {}

    const module = await load(Feature);

    expect(await runTogether(module.get(Nightly))).toBe(1);
    expect(await runTogether(module.get('made'))).toBe(1);
  });

  it('has its made objects locked though another one is loaded meanwhile', async () => {
    let finish = (): void => {};
    const made = new Promise<Jobs>((resolve) => (finish = () => resolve(new Jobs())));
    @Module({ providers: [{ provide: 'made', useFactory: () => made }] })
    class Slow {}
    @Module({ providers: [{ provide: 'other', useFactory: () => new Jobs() }] })
    class Quick {}
    const { app } = await startApp({});
    const loader = app.get(LazyModuleLoader);

    const slow = loader.load(() => Slow);
    await loader.load(() => Quick);
    finish();

    expect(await runTogether((await slow).get('made'))).toBe(1);
  });

  it('is refused for a template that no call of its methods can fill', async () => {
    class Orders {
      @Locked('order:{params.id}')
      pay(): Promise<void> {
        return Promise.resolve();
      }
    }
    @Module({ providers: [Orders] })
    class Feature {}

    await expect(load(Feature)).rejects.toMatchObject({
      code: 'LOCK_CONFIG',
      message: expect.stringContaining('Orders.pay'),
    });
  });

  it('is refused each time that it is loaded, and with it what imports it, and nothing else', async () => {
    class Orders {
      @Locked('order:{params.id}')
      pay(): Promise<void> {
        return Promise.resolve();
      }
    }
    class Nightly extends Jobs {}
    @Module({ providers: [Orders] })
    class Feature {}
    @Module({ imports: [Feature] })
    class Shop {}
    @Module({ providers: [Nightly] })
    class Other {}
    const { app } = await startApp({});
    const loader = app.get(LazyModuleLoader);
    const refused = { code: 'LOCK_CONFIG', message: expect.stringContaining('Orders.pay') };

    for (const feature of [Feature, Feature, Shop, Shop, Feature])
      await expect(loader.load(() => feature)).rejects.toMatchObject(refused);
    const module = await loader.load(() => Other);

    expect(await runTogether(module.get(Nightly))).toBe(1);
  });

  it('is refused each time for a second module of the same name', async () => {
    const { app } = await startApp({});
    const loader = app.get(LazyModuleLoader);
    const second = RedisLockModule.forRoot({ connection: 'memory', isGlobal: false });
    @Module({ imports: [second] })
    class Feature {}
    @Module({})
    class Other {}

    for (let i = 0; i < 2; i += 1)
      await expect(loader.load(() => Feature)).rejects.toMatchObject({
        code: 'LOCK_CONFIG',
        message: expect.stringContaining('2 RedisLockModules without a name'),
      });
    await loader.load(() => Other);
  });

  it('with locks of its own leaves no connection when the application has closed', async () => {
    const keyPrefix = uniquePrefix();
    const admin = openClient(sharedRedisUrl());
    const subscriptions = async (): Promise<number> =>
      ((await admin.pubsub('CHANNELS', `${keyPrefix}*`)) as string[]).length;
    @Injectable()
    class Reports {
      constructor(@Inject(LockService) readonly locks: LockService) {}
    }
    @Module({
      imports: [
        RedisLockModule.forRoot({ connection: sharedRedisUrl(), keyPrefix, isGlobal: false }),
      ],
      providers: [Reports],
    })
    class Feature {}
    const { app } = await startApp({ lock: false });
    const module = await app.get(LazyModuleLoader).load(() => Feature);
    const { locks } = module.get(Reports);
    const lock = await locks.acquire('report');
    await eventually(async () => expect(await subscriptions()).toBe(1));
    void lock.release();

    await app.close();

    await eventually(async () => expect(await subscriptions()).toBe(0));
    await expect(locks.acquire('report')).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
  });
});
