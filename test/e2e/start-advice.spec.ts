import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  Scope,
  UseFilters,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, Interval, ScheduleModule, Timeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { WebSocketGateway } from '@nestjs/websockets';
import { Redis } from 'ioredis';
import { LockConfigError, LockService, Locked, RedisLockModule } from 'nestjs-redis-lock';

import { afterTest } from '../support/after-test.js';
import { sharedRedisPort, sharedRedisUrl } from '../support/shared-redis.js';
import { startApp } from './support/app.js';

const HOURLY = 3_600_000;

/** Runs a method inside something of its own, as `@Transactional()` does. */
function Wrapped({ metadata }: { metadata: boolean }): MethodDecorator {
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const inner = descriptor.value as (...args: unknown[]) => Promise<unknown>;
    const wrapper = async function (this: unknown, ...args: unknown[]) {
      return inner.apply(this, args);
    };
    const keys = metadata ? (Reflect.getMetadataKeys(inner) as unknown[]) : [];
    for (const key of keys) Reflect.defineMetadata(key, Reflect.getMetadata(key, inner), wrapper);
    descriptor.value = wrapper;
  };
}

describe('start warns', () => {
  it('of a decorator that wraps a locked method from above, and says the right order', async () => {
    @Injectable()
    class Stock {
      @Wrapped({ metadata: true })
      @Locked('stock')
      async take(): Promise<void> {}

      @Locked('stock')
      @Wrapped({ metadata: true })
      async give(): Promise<void> {}
    }
    const { log } = await startApp({ providers: [Stock] });

    expect(log.of('warn')).toEqual([
      expect.stringMatching(/Stock\.take: a decorator above it wraps.* Write @Locked above it/),
    ]);
  });

  it('of one that drops metadata between a route and the lock', async () => {
    @Controller()
    class Orders {
      @Get(':id')
      @Wrapped({ metadata: false })
      @Locked('order:{0}')
      async pay(@Param('id') id: string): Promise<string> {
        return id;
      }
    }
    const { log, url } = await startApp({ controllers: [Orders] });

    expect(log.of('warn').join('\n')).toMatch(/Orders\.pay: .*drops its metadata/);
    expect(await (await fetch(`${url}/7`)).text()).toBe('7');
  });

  it('of a lock on a filter, whose promise Nest does not wait for', async () => {
    @Catch(Error)
    class Report {
      @Locked('report')
      async catch(): Promise<void> {}
    }
    @Controller()
    @UseFilters(Report)
    class Orders {
      @Get()
      pay(): string {
        return 'paid';
      }
    }
    const { log } = await startApp({ controllers: [Orders] });

    expect(log.of('warn')).toEqual([
      expect.stringMatching(/Report\.catch: Nest does not wait for the promise of a filter/),
    ]);
  });

  it('of a lock on a hook of a gateway, whose promise Nest does not wait for either', async () => {
    @WebSocketGateway()
    class Chat {
      @Locked('chat')
      async handleConnection(): Promise<void> {}

      @Locked('chat')
      async greet(): Promise<void> {}
    }
    const { log } = await startApp({ providers: [Chat] });

    expect(log.of('warn')).toEqual([
      expect.stringMatching(/Chat\.handleConnection: Nest does not wait for .* a gateway/),
    ]);
  });

  it('of a scheduled job that skips, and that a later replica would run again', async () => {
    @Injectable()
    class Jobs {
      @Cron('0 0 1 1 *')
      @Locked('yearly', { ifBusy: 'skip' })
      async yearly(): Promise<void> {}

      @Locked('hourly', { ifBusy: 'skip', minHold: '0ms' })
      @Interval(HOURLY)
      async hourly(): Promise<void> {}

      @Timeout(HOURLY)
      @Locked('later', { ifBusy: 'skip' })
      async later(): Promise<void> {}

      @Cron('0 0 1 1 *')
      @Locked('held', { ifBusy: 'skip', minHold: '5s' })
      async held(): Promise<void> {}

      @Cron('0 0 1 1 *')
      @Locked('waiting')
      async waiting(): Promise<void> {}
    }
    const { log } = await startApp({ imports: [ScheduleModule.forRoot()], providers: [Jobs] });

    const named = log.of('warn').map((line) => /Jobs\.\w+/.exec(line)?.[0]);
    expect(named).toEqual(['Jobs.yearly', 'Jobs.hourly', 'Jobs.later']);
    expect(log.of('warn')[0]).toMatch(/Add minHold/);
  });

  it('of a provider method whose type promises a plain value', async () => {
    @Injectable()
    class Counters {
      @Locked('next')
      next(): number {
        return 1;
      }

      @Locked('later')
      async later(): Promise<number> {
        return 1;
      }
    }
    @Controller()
    class Routes {
      @Locked('route')
      @Get()
      route(): string {
        return 'ran';
      }
    }
    const { log } = await startApp({ controllers: [Routes], providers: [Counters] });

    expect(log.of('warn')).toEqual([
      expect.stringMatching(/Counters\.next: it returns a promise.*async/),
    ]);
  });

  it('of a hook that Nest calls when no more locks are given', async () => {
    @Injectable()
    class Late {
      @Locked('late')
      async onApplicationShutdown(): Promise<void> {}
    }
    const { log, app } = await startApp({ providers: [Late] });

    expect(log.of('warn')).toEqual([expect.stringMatching(/Late\.onApplicationShutdown: .*never/)]);
    await app.close().catch(() => {});
  });
});

describe('start refuses', () => {
  const refused = async (start: () => Promise<unknown>): Promise<string> => {
    const error: unknown = await start().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LockConfigError);
    return (error as LockConfigError).problems.join('\n');
  };

  it('a part of the request in the key of a handler that its interceptor is cut off from', async () => {
    @Controller()
    class Orders {
      @Get(':id')
      @Wrapped({ metadata: false })
      @Locked('order:{params.id}')
      async pay(): Promise<void> {}
    }
    expect(await refused(() => startApp({ controllers: [Orders] }))).toMatch(/Orders\.pay/);
  });

  it('two modules of one name, whose locks would not exclude each other', async () => {
    const twice = (name?: string) => {
      const options = { connection: 'memory' as const, ...(name !== undefined && { name }) };
      return [RedisLockModule.forRoot(options), RedisLockModule.forRoot(options)];
    };

    const unnamed = refused(() => startApp({ lock: false, imports: twice() }));
    const named = refused(() => startApp({ lock: false, imports: twice('stock') }));

    expect(await unnamed).toMatch(/2 RedisLockModules without a name/);
    expect(await named).toMatch(/2 RedisLockModules named "stock"/);
  });

  it('an object that another application uses, until that one has been closed', async () => {
    class Jobs {
      @Locked('job')
      async run(): Promise<string> {
        return 'ran';
      }
    }
    const jobs = new Jobs();
    const providers = [{ provide: 'jobs', useValue: jobs }];
    const first = await startApp({ providers });

    expect(await refused(() => startApp({ providers }))).toMatch(
      /Jobs\.run: another application .*the same object/,
    );
    expect(await jobs.run()).toBe('ran');

    await first.app.close();
    await startApp({ providers });
    expect(await jobs.run()).toBe('ran');
  });

  it('nothing of a transient object that a factory made: it gets its service', async () => {
    class Jobs {
      @Locked('job')
      async run(): Promise<string> {
        return 'ran';
      }
    }
    @Injectable()
    class Boss {
      constructor(@Inject('jobs') readonly jobs: Jobs) {}
    }
    const jobs = { provide: 'jobs', scope: Scope.TRANSIENT, useFactory: () => new Jobs() };
    const { app } = await startApp({ providers: [Boss, jobs] });

    expect(await app.get(Boss).jobs.run()).toBe('ran');
  });

  it('a module without options', () => {
    expect(() => RedisLockModule.forRoot(undefined as never)).toThrow(LockConfigError);
    expect(() => RedisLockModule.forRootAsync(undefined as never)).toThrow(LockConfigError);
  });
});

describe('an application that does not start', () => {
  it.each([
    ['an unknown service', Locked('job', { service: 'nope' })],
    ['a fault in a key', Locked('job:{params.id}')],
  ])('leaves nothing open: %s', async (_why, decorator) => {
    const redis = new Redis(sharedRedisUrl());
    afterTest(() => redis.disconnect());
    class Jobs {
      async run(): Promise<void> {}
    }
    const method = Object.getOwnPropertyDescriptor(Jobs.prototype, 'run')!;
    decorator(Jobs.prototype, 'run', method);
    Object.defineProperty(Jobs.prototype, 'run', method);
    const connection = { port: sharedRedisPort(), connectionName: 'not-started' };
    class App {}
    Module({
      imports: [
        RedisLockModule.forRoot({ connection }),
        RedisLockModule.forRoot({ connection, name: 'other' }),
      ],
      providers: [Jobs],
    })(App);

    const started = NestFactory.createApplicationContext(App, {
      logger: false,
      abortOnError: false,
    });

    await expect(started).rejects.toThrow();
    expect(String(await redis.client('LIST'))).not.toContain('not-started');
  });
});

describe('a stand-in for LockService', () => {
  /** Has whatever it is asked for, as deep mocks do. */
  function deepMock(): object {
    return new Proxy(() => undefined, {
      get: (_target, name) => (name === 'then' ? undefined : deepMock()),
      apply: () => deepMock(),
      has: () => true,
    });
  }

  it('makes locked methods reject, and is named', async () => {
    @Injectable()
    class Orders {
      @Locked('order')
      async pay(): Promise<string> {
        return 'paid';
      }
    }
    for (const standIn of [deepMock(), { withLock: () => undefined }, new (class Fake {})()]) {
      const module = await Test.createTestingModule({
        providers: [Orders, { provide: LockService, useValue: standIn }],
      }).compile();

      await expect(module.get(Orders).pay()).rejects.toThrow(/Orders\.pay: a stand-in/);
      await module.close();
    }
  });

  it('is answered over HTTP as any other fault', async () => {
    @Controller()
    class Orders {
      @Get()
      @Locked('order')
      pay(): string {
        return 'paid';
      }
    }
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ connection: 'memory' })],
      controllers: [Orders],
    })
      .overrideProvider(LockService)
      .useValue({ withLock: () => undefined })
      .compile();
    const app = module.createNestApplication({ logger: false });
    afterTest(() => app.close());
    await app.listen(0, '127.0.0.1');
    const answer = await fetch(await app.getUrl());

    expect(await answer.json()).toMatchObject({
      statusCode: 500,
      code: 'LOCK_CONFIG',
      key: 'order',
    });
  });
});
