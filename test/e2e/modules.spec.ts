import { describe, expect, it } from '@jest/globals';
import { Global, Injectable, Module, Scope, type DynamicModule } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  InjectLockService,
  LockConfigError,
  LockService,
  Locked,
  RedisLockModule,
  getLockServiceToken,
  type RedisLockModuleOptions,
  type RedisLockOptionsFactory,
} from 'nestjs-redis-lock';
import { LockMetricsModule } from 'nestjs-redis-lock/prometheus';
import { LockTestingModule } from 'nestjs-redis-lock/testing';

import { afterTest } from '../support/after-test.js';
import { openClient } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { freePort } from '../support/spawn-redis.mjs';

const MEMORY: RedisLockModuleOptions = { connection: 'memory', shutdownTimeout: 0 };

async function compile(...imports: (DynamicModule | (new () => unknown))[]) {
  const module = await Test.createTestingModule({ imports }).compile();
  await module.init();
  afterTest(() => module.close());
  return module;
}

async function problemsOf(options: unknown): Promise<readonly string[]> {
  const compiling = compile(RedisLockModule.forRoot(options as RedisLockModuleOptions));
  const error = await compiling.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LockConfigError);
  return (error as LockConfigError).problems;
}

@Injectable()
class Jobs {
  constructor(readonly locks: LockService) {}

  @Locked('job:{0}', { wait: 0 })
  async run(id: string): Promise<string | undefined> {
    return this.locks.current(`job:${id}`)?.key;
  }
}

describe('RedisLockModule.forRoot', () => {
  it('provides LockService in every module', async () => {
    @Module({ providers: [Jobs] })
    class Feature {}

    const module = await compile(RedisLockModule.forRoot(MEMORY), Feature);

    expect(await module.get(Jobs, { strict: false }).run('7')).toBe('job:7');
  });

  it('provides it only to its importers with isGlobal: false', async () => {
    @Module({ providers: [Jobs] })
    class Feature {}

    const compiling = compile(RedisLockModule.forRoot({ ...MEMORY, isGlobal: false }), Feature);

    await expect(compiling).rejects.toThrow(/LockService/);
  });

  it('starts while Redis is away', async () => {
    const connection = `redis://127.0.0.1:${await freePort()}`;

    const module = await compile(
      RedisLockModule.forRoot({ connection, wait: 50, commandTimeout: 50 }),
    );

    await expect(module.get(LockService).acquire('job')).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });
  });

  it('never closes a client that was handed in', async () => {
    const client = openClient(sharedRedisUrl());
    const options = { connection: client, keyPrefix: uniquePrefix(), commandTimeout: 10_000 };
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot(options)],
      providers: [Jobs],
    }).compile();
    await module.init();
    expect(await module.get(Jobs).run('7')).toBe('job:7');

    await module.close();

    expect(await client.ping()).toBe('PONG');
  });

  it('names all faults in one error', async () => {
    const problems = await problemsOf({
      connection: 'somewhere',
      ttl: 50,
      wait: 'soon',
      renew: 'yes',
      keyPrefix: 7,
      replicas: { count: 0 },
      http: { status: 200, body: true },
      tll: 1,
    });

    expect(problems).toEqual([
      expect.stringMatching(/^tll is not an option; known are ttl, .*connection, keyPrefix/),
      'ttl must be at least 100 ms, got 50.',
      expect.stringMatching(/^wait must be milliseconds or a string .*, got "soon"\.$/),
      'renew must be true or false, got "yes".',
      'keyPrefix must be a string, got 7.',
      'replicas: count must be a whole number, from 1 to 100, got 0.',
      'http: body is not an option; known are status.',
      'http: status must be a whole number, from 400 to 599, got 200.',
      expect.stringMatching(/^connection must be .*, got "somewhere"\.$/),
    ]);
  });

  it('takes no prefix that Redis would keep as another one', async () => {
    expect(await problemsOf({ connection: 'memory', keyPrefix: '\ud800p:' })).toEqual([
      'keyPrefix must be well-formed text, got "\\ud800p:": it has half of a surrogate pair.',
    ]);
  });

  it('needs a connection', async () => {
    expect(await problemsOf({})).toEqual([expect.stringMatching(/^connection is required/)]);
  });

  it.each([
    ['the module', { keyPrefix: '{' }, {}],
    ['the client', {}, { keyPrefix: 'app{' }],
    ['the client for its nodes', {}, { redisOptions: { keyPrefix: 'app{' } }],
  ])(
    'names a prefix of %s that a Cluster can not have, among all other faults',
    async (_, own, options) => {
      const connection = { cluster: [{ host: '127.0.0.1', port: 1 }], options };

      expect(await problemsOf({ connection, ttl: 50, ...own })).toEqual([
        'ttl must be at least 100 ms, got 50.',
        expect.stringMatching(/^keyPrefix .* can't be used in a Redis Cluster/),
      ]);
    },
  );

  it('needs a name that is not empty', () => {
    expect(() => RedisLockModule.forRoot({ ...MEMORY, name: '' })).toThrow(LockConfigError);
  });

  it.each([
    [{ name: 5 }, 'name must be a string, got 5.'],
    [{ name: null }, 'name must be a string, got null.'],
    [{ isGlobal: 'no' }, 'isGlobal must be true or false, got "no".'],
  ])('refuses %j', (wrong, problem) => {
    const extras = wrong as object;
    const fault = new LockConfigError([problem]);

    expect(() => RedisLockModule.forRoot({ ...MEMORY, ...extras })).toThrow(fault);
    expect(() => RedisLockModule.forRootAsync({ useFactory: () => MEMORY, ...extras })).toThrow(
      fault,
    );
  });
});

describe('RedisLockModule.forRootAsync', () => {
  const SETTINGS = Symbol('settings');
  @Global()
  @Module({ providers: [{ provide: SETTINGS, useValue: MEMORY }], exports: [SETTINGS] })
  class Settings {}

  @Injectable()
  class OptionsFactory implements RedisLockOptionsFactory {
    async createRedisLockOptions(): Promise<RedisLockModuleOptions> {
      return MEMORY;
    }
  }
  @Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
  class Factories {}

  it.each([
    [
      'useFactory',
      { inject: [SETTINGS], useFactory: (settings: RedisLockModuleOptions) => settings },
    ],
    ['an async useFactory', { useFactory: async () => MEMORY }],
    ['useClass', { useClass: OptionsFactory }],
    ['useExisting', { imports: [Factories], useExisting: OptionsFactory }],
  ])('takes its options from %s', async (_, options) => {
    const module = await compile(Settings, RedisLockModule.forRootAsync(options));

    expect(await module.get(LockService).withLock('job', ({ key }) => key)).toBe('job');
  });

  const REFUSED = /the options of a RedisLockModule depend on the request/;
  @Injectable({ scope: Scope.REQUEST })
  class Tenant extends OptionsFactory {}
  @Module({ providers: [Tenant], exports: [Tenant] })
  class Tenants {}

  it.each([
    ['the request', { inject: [REQUEST], useFactory: () => MEMORY }],
    [
      'a request-scoped provider',
      { imports: [Tenants], inject: [Tenant], useFactory: () => MEMORY },
    ],
    ['a request-scoped useClass', { useClass: Tenant }],
    ['a request-scoped useExisting', { imports: [Tenants], useExisting: Tenant, name: 'tenant' }],
  ])('fails start when its options depend on %s', async (_, options) => {
    await expect(compile(RedisLockModule.forRootAsync(options))).rejects.toThrow(REFUSED);
  });

  it('leaves no connection of another module when they do', async () => {
    const options = { connection: sharedRedisUrl(), keyPrefix: uniquePrefix() };
    const module = await Test.createTestingModule({
      imports: [
        RedisLockModule.forRoot(options),
        RedisLockModule.forRootAsync({
          name: 'other',
          inject: [REQUEST],
          useFactory: () => MEMORY,
        }),
      ],
      providers: [
        {
          provide: 'early',
          inject: [LockService],
          useFactory: (locks: LockService) => locks.withLock('early', () => 'done'),
        },
      ],
    }).compile();

    await expect(module.init()).rejects.toThrow(REFUSED);

    await expect(module.get(LockService).acquire('late')).rejects.toMatchObject({
      code: 'LOCK_SHUTDOWN',
    });
  });

  it('fails start with wrong options', async () => {
    const useFactory = () => ({ connection: 'memory', ttl: 1 }) as const;

    await expect(compile(RedisLockModule.forRootAsync({ useFactory }))).rejects.toThrow(
      LockConfigError,
    );
  });

  it('shows nothing of a URL that its factory gives in place of options', async () => {
    const useFactory = () => 'redis://:hunter2@127.0.0.1:6379' as never;

    const start = compile(RedisLockModule.forRootAsync({ useFactory }));

    await expect(start).rejects.toThrow(LockConfigError);
    await expect(start).rejects.not.toThrow(/hunter2/);
  });

  it('refuses a way that makes no options', async () => {
    class Strange {}

    expect(() => RedisLockModule.forRootAsync({ useFactory: MEMORY as never })).toThrow(
      new LockConfigError(['useFactory must be a function, got object.']),
    );
    await expect(
      compile(RedisLockModule.forRootAsync({ useClass: Strange as never })),
    ).rejects.toThrow(/must have a method createRedisLockOptions/);
  });

  it('wants exactly one way', () => {
    expect(() => RedisLockModule.forRootAsync({})).toThrow(/got 0/);
    expect(() =>
      RedisLockModule.forRootAsync({ useFactory: () => MEMORY, useClass: OptionsFactory }),
    ).toThrow(/got 2/);
  });
});

describe('what sets a module up, given a wrong kind of thing,', () => {
  const wrong: [string, (given: never) => unknown, readonly unknown[]][] = [
    ['forRoot', (options) => RedisLockModule.forRoot(options), [undefined, null, 5, 'url']],
    ['forRootAsync', (options) => RedisLockModule.forRootAsync(options), [undefined, null, 5, {}]],
    [
      'useFactory',
      (useFactory) => RedisLockModule.forRootAsync({ useFactory }),
      [undefined, null, 5, {}],
    ],
    ['useClass', (useClass) => RedisLockModule.forRootAsync({ useClass }), [null, 5, 'Options']],
    ['useExisting', (useExisting) => RedisLockModule.forRootAsync({ useExisting }), [null]],
    ['a name', (name) => RedisLockModule.forRoot({ ...MEMORY, name }), [null, 5, '', Symbol('a')]],
    ['a token', (name) => getLockServiceToken(name), [null, 5, '', Symbol('a'), {}]],
    ['an injection', (name) => InjectLockService(name), [null, 5, '', Symbol('a'), {}]],
    ['a service', (options) => new LockService(options), [undefined, null, 5, new Map(), []]],
    ['metrics', (options) => LockMetricsModule.forRoot(options), [null, 5, 'r', new Map(), []]],
    ['a registry', (registry) => LockMetricsModule.forRoot({ registry }), [5, 'r', {}, []]],
    ['testing', (options) => LockTestingModule.forRoot(options), [null, 5, 'memory', []]],
  ];
  const cases = wrong.flatMap(([what, setUp, values]) =>
    values.map((value) => ({ what, setUp, value })),
  );

  it.each(cases)('tells so: $what given $value', ({ setUp, value }) => {
    expect(() => setUp(value as never)).toThrow(LockConfigError);
  });
});

describe('several modules in one application', () => {
  @Injectable()
  class Both {
    constructor(
      readonly locks: LockService,
      @InjectLockService('inventory') readonly inventory: LockService,
    ) {}

    @Locked('job', { wait: 0 })
    async job(): Promise<boolean[]> {
      return [this.locks.current() !== undefined, this.inventory.current() !== undefined];
    }

    @Locked('job', { wait: 0, service: 'inventory' })
    async stock(): Promise<boolean[]> {
      return [this.locks.current() !== undefined, this.inventory.current() !== undefined];
    }
  }

  const compileBoth = async () => {
    const useFactory = () => MEMORY;
    const module = await Test.createTestingModule({
      imports: [
        RedisLockModule.forRootAsync({ useFactory }),
        RedisLockModule.forRootAsync({ name: 'inventory', useFactory }),
      ],
      providers: [Both],
    }).compile();
    await module.init();
    afterTest(() => module.close());
    return module.get(Both);
  };

  it('are apart: each method takes its lock where it is told to', async () => {
    const both = await compileBoth();

    expect(both.locks).not.toBe(both.inventory);
    expect(await both.job()).toEqual([true, false]);
    expect(await both.stock()).toEqual([false, true]);

    await using _lock = await both.inventory.acquire('job');
    expect(await both.job()).toEqual([true, false]);
    await expect(both.stock()).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
  });

  it('may be a named one alone', async () => {
    @Injectable()
    class Stock {
      @Locked('stock', { service: 'inventory' })
      async take(): Promise<string> {
        return 'taken';
      }
    }
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ ...MEMORY, name: 'inventory' })],
      providers: [Stock],
    }).compile();
    await module.init();
    afterTest(() => module.close());

    expect(await module.get(Stock).take()).toBe('taken');
    expect(module.get(getLockServiceToken('inventory'))).toBeInstanceOf(LockService);
  });

  it('do not merge when they look the same', async () => {
    const settings = { ...MEMORY, isGlobal: false };
    const one = RedisLockModule.forRootAsync({ isGlobal: false, useFactory: () => settings });
    const two = RedisLockModule.forRootAsync({ isGlobal: false, useFactory: () => settings });
    const ids = [one, two].map(({ providers = [] }) => JSON.stringify(providers));

    // Nest 10 tells dynamic modules apart by what they look like.
    expect(ids[0]).not.toBe(ids[1]);
  });
});

describe('two applications in one process', () => {
  it('never meet', async () => {
    const start = async () => {
      const module = await Test.createTestingModule({
        imports: [RedisLockModule.forRoot(MEMORY)],
        providers: [Jobs],
      }).compile();
      await module.init();
      afterTest(() => module.close());
      return module.get(Jobs);
    };
    const [one, two] = [await start(), await start()];
    await using _lock = await one.locks.acquire('job:7');

    await expect(one.run('7')).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(await two.run('7')).toBe('job:7');
  });
});

describe('LockService', () => {
  it('works without Nest, from its constructor on', async () => {
    const locks = new LockService(MEMORY);

    expect(await locks.withLock('job', ({ key }) => key)).toBe('job');
    await using lock = await locks.acquire('job');
    expect(await locks.tryAcquire('job')).toBeNull();
    expect(await locks.inspect('job')).toMatchObject({ key: 'job', permits: 1, mode: 'exclusive' });
    const listed = [];
    for await (const { key } of locks.list({ match: 'j*' })) listed.push(key);
    expect(listed).toEqual(['job']);
    expect(await locks.forceRelease('job')).toBe(true);
    expect(await lock.release()).toBe('lost');
    await locks.shutdown();
  });

  it('checks its options', () => {
    expect(() => new LockService({ connection: 'memory', name: 'x' } as never)).toThrow(
      /name is not an option/,
    );
  });

  it('takes options of ioredis', async () => {
    const { port } = new URL(sharedRedisUrl());
    const connection = { host: '127.0.0.1', port: Number(port) };
    const locks = new LockService({ connection, keyPrefix: uniquePrefix() });

    expect(await locks.withLock('job', ({ key }) => key)).toBe('job');

    await locks.shutdown();
  });
});
