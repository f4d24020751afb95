import { beforeEach, describe, expect, it } from '@jest/globals';
import { BullModule, Processor, WorkerHost, getQueueToken } from '@nestjs/bullmq';
import { Controller, Get, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Test } from '@nestjs/testing';
import { Locked, LockConfigError, LockService, RedisLockModule } from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { sharedRedisPort, uniquePrefix } from '../support/shared-redis.js';
import { startApp } from './support/app.js';
import { askGraphql, connectRpc, connectSocket, graphqlModule } from './support/clients.js';
import { Stage } from './support/stage.js';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

/** Waits until a second call waits for the lock of the first, and lets both end. */
async function expectExclusive(locks: LockService, calls: Promise<unknown>[]): Promise<void> {
  await stage.arrived(1);
  await eventually(async () => expect((await locks.inspect('job:7'))?.waiters).toBe(1));
  expect(stage.inside).toBe(1);
  stage.open();
  await Promise.all(calls);
  await stage.arrived(2);
  expect(stage.most).toBe(1);
}

@Injectable()
class Jobs {
  @Locked('job:{0}')
  async run(id: string): Promise<string> {
    return stage.pass(id);
  }

  async runTwice(id: string): Promise<void> {
    await Promise.all([this.run(id), this.run(id)]);
  }
}

describe('@Locked is exclusive', () => {
  it('on a controller', async () => {
    @Controller()
    class Routes {
      @Get('jobs/:id')
      @Locked('job:{params.id}')
      async run(): Promise<string> {
        return stage.pass();
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes] });

    await expectExclusive(locks, [fetch(`${url}/jobs/7`), fetch(`${url}/jobs/7`)]);
  });

  it('on a provider that another class calls', async () => {
    const { app, locks } = await startApp({ providers: [Jobs] });
    const jobs = app.get(Jobs);

    await expectExclusive(locks, [jobs.run('7'), jobs.run('7')]);
  });

  it('on a method that its own class calls', async () => {
    const { app, locks } = await startApp({ providers: [Jobs] });

    await expectExclusive(locks, [app.get(Jobs).runTwice('7')]);
  });

  it('on a request-scoped provider', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class RequestJobs extends Jobs {
      constructor(@Inject(REQUEST) readonly request: { url: string }) {
        super();
      }
    }
    @Controller()
    class Routes {
      constructor(private readonly jobs: RequestJobs) {}

      @Get('jobs')
      run(): Promise<string> {
        return this.jobs.run('7');
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes], providers: [RequestJobs] });

    await expectExclusive(locks, [fetch(`${url}/jobs`), fetch(`${url}/jobs`)]);
  });

  it('on a request-scoped controller', async () => {
    @Controller({ scope: Scope.REQUEST })
    class Routes {
      @Get('jobs/:id')
      @Locked('job:{params.id}')
      async run(): Promise<string> {
        return stage.pass();
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes] });

    await expectExclusive(locks, [fetch(`${url}/jobs/7`), fetch(`${url}/jobs/7`)]);
  });

  it('on a @Cron job', async () => {
    @Injectable()
    class Nightly {
      @Cron('0 0 1 1 *', { name: 'nightly' })
      @Locked('job:7')
      async run(): Promise<void> {
        await stage.pass();
      }
    }
    const { app, locks } = await startApp({
      imports: [ScheduleModule.forRoot()],
      providers: [Nightly],
    });
    const job = app.get(SchedulerRegistry).getCronJob('nightly');

    await expectExclusive(locks, [
      Promise.resolve(job.fireOnTick()),
      Promise.resolve(job.fireOnTick()),
    ]);
    await eventually(async () => expect(await locks.inspect('job:7')).toBeNull());
  });

  it('on an @OnEvent listener', async () => {
    @Injectable()
    class Listener {
      @OnEvent('job')
      @Locked('job:{0.id}')
      async run(): Promise<void> {
        await stage.pass();
      }
    }
    const { app, locks } = await startApp({
      imports: [EventEmitterModule.forRoot()],
      providers: [Listener],
    });
    const events = app.get(EventEmitter2);
    const emit = () => events.emitAsync('job', { id: 7 });

    await expectExclusive(locks, [emit(), emit()]);
  });

  it('on a message handler', async () => {
    @Controller()
    class Handlers {
      @MessagePattern('job')
      @Locked('job:{data.id}')
      async run(@Payload() { id }: { id: string }): Promise<string> {
        return stage.pass(id);
      }
    }
    const app = await startApp({ controllers: [Handlers], rpc: true });
    const send = connectRpc(app);

    await expectExclusive(app.locks, [send('job', { id: '7' }), send('job', { id: '7' })]);
  });

  it('on a WebSocket handler', async () => {
    @WebSocketGateway()
    class Gateway {
      @SubscribeMessage('job')
      @Locked('job:{data.id}')
      async run(@MessageBody() { id }: { id: string }): Promise<string> {
        return stage.pass(id);
      }
    }
    const app = await startApp({ providers: [Gateway] });
    const { ask } = await connectSocket(app);

    await expectExclusive(app.locks, [ask('job', { id: '7' }), ask('job', { id: '7' })]);
  });

  it.each([
    ['a GraphQL query', Scope.DEFAULT, 'run'],
    ['a request-scoped GraphQL resolver', Scope.REQUEST, 'run'],
    ['one with a positional key', Scope.REQUEST, 'positional'],
  ])('on %s', async (_, scope, name) => {
    @Injectable({ scope })
    @Resolver()
    class JobResolver {
      @Query(() => String)
      @Locked('job:{gql.id}')
      async run(@Args('id') id: string): Promise<string> {
        return stage.pass(id);
      }

      @Query(() => String)
      @Locked('job:{0}')
      async positional(@Args('id') id: string): Promise<string> {
        return stage.pass(id);
      }
    }
    const app = await startApp({ imports: [graphqlModule()], providers: [JobResolver] });
    const ask = () => askGraphql(app, `{ ${name}(id: "7") }`);

    await expectExclusive(app.locks, [ask(), ask()]);
  });

  it('on a queue processor', async () => {
    @Processor('jobs', { concurrency: 2 })
    class Jobs extends WorkerHost {
      @Locked('job:{0.data.id}')
      async process(): Promise<void> {
        await stage.pass();
      }
    }
    const { app, locks } = await startApp({
      imports: [
        BullModule.forRoot({
          connection: { host: '127.0.0.1', port: sharedRedisPort() },
          prefix: uniquePrefix(),
        }),
        BullModule.registerQueue({ name: 'jobs' }),
      ],
      providers: [Jobs],
    });
    const queue = app.get(getQueueToken('jobs'));
    await queue.addBulk([
      { name: 'a', data: { id: 7 } },
      { name: 'b', data: { id: 7 } },
    ]);

    await expectExclusive(locks, []);
    await eventually(async () => expect(await queue.getCompletedCount()).toBe(2));
  });
});

describe('@Locked on an object that Nest did not construct', () => {
  it('is exclusive when the object is a useFactory or useValue provider', async () => {
    const { app, locks } = await startApp({
      providers: [
        { provide: 'made', useFactory: () => new Jobs() },
        { provide: 'given', useValue: new Jobs() },
      ],
    });

    await expectExclusive(locks, [app.get<Jobs>('made').run('7'), app.get<Jobs>('given').run('7')]);
  });

  it('rejects calls of an object made by "new"', async () => {
    const call = new Jobs().run('7');

    await expect(call).rejects.toThrow(LockConfigError);
    await expect(call).rejects.toThrow(/Jobs\.run: no lock service reaches this object/);
    expect(stage.entries).toEqual([]);
  });

  it('rejects calls without "this"', async () => {
    const run = Reflect.get(Jobs.prototype, 'run');

    await expect(run('7')).rejects.toThrow(LockConfigError);
    for (const other of [undefined, {}, 7])
      await expect(run.call(other, '7')).rejects.toThrow(
        'Jobs.run: it was called without its object. Hand on () => service.run(), not service.run.',
      );
  });

  it('fails start when the object is frozen', async () => {
    const starting = startApp({
      providers: [{ provide: 'jobs', useValue: Object.freeze(new Jobs()) }],
    });

    await expect(starting).rejects.toThrow(/Jobs\.run: the object is frozen/);
  });
});

describe('@Locked without a RedisLockModule', () => {
  it('fails start', async () => {
    const compiling = Test.createTestingModule({ providers: [Jobs] }).compile();

    await expect(compiling).rejects.toThrow(/Jobs/);
  });

  it('fails start when the module of its name is missing', async () => {
    @Injectable()
    class Stock {
      @Locked('stock', { service: 'inventory' })
      async take(): Promise<void> {}
    }
    @Module({ imports: [RedisLockModule.forRoot({ connection: 'memory' })], providers: [Stock] })
    class App {}

    const compiling = Test.createTestingModule({ imports: [App] }).compile();

    await expect(compiling).rejects.toThrow(/inventory/);
  });

  it('rejects the call where a test replaced the service', async () => {
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ connection: 'memory' })],
      providers: [Jobs],
    })
      .overrideProvider(LockService)
      .useValue({})
      .compile();
    await module.init();

    await expect(module.get(Jobs).run('7')).rejects.toThrow(LockConfigError);

    await module.close();
    expect(stage.entries).toEqual([]);
  });
});

describe('a subclass', () => {
  it('inherits the lock of a method', async () => {
    @Injectable()
    class SpecialJobs extends Jobs {}
    const { app, locks } = await startApp({ providers: [SpecialJobs] });
    const jobs = app.get(SpecialJobs);

    await expectExclusive(locks, [jobs.run('7'), jobs.run('7')]);
  });

  it('that overrides the method without @Locked is not locked; start warns', async () => {
    @Injectable()
    class FreeJobs extends Jobs {
      override async run(id: string): Promise<string> {
        return stage.pass(id);
      }
    }
    const { app, log } = await startApp({ providers: [FreeJobs] });

    const calls = app.get(FreeJobs).runTwice('7');
    await stage.arrived(2);
    stage.open();
    await calls;

    expect(stage.most).toBe(2);
    expect(log.of('warn')).toEqual([
      expect.stringContaining('FreeJobs.run overrides the @Locked method Jobs.run without @Locked'),
    ]);
  });

  it('may lock its override differently', async () => {
    @Injectable()
    class OtherJobs extends Jobs {
      @Locked('other:{0}')
      override async run(id: string): Promise<string> {
        return super.run(id);
      }
    }
    const { app, locks, log } = await startApp({ providers: [OtherJobs] });

    const call = app.get(OtherJobs).run('7');
    await stage.arrived(1);

    expect(await locks.inspect('other:7')).not.toBeNull();
    expect(await locks.inspect('job:7')).not.toBeNull();
    expect(log.of('warn')).toEqual([]);
    stage.open();
    expect(await call).toBe('7');
  });
});
