import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Post,
  SetMetadata,
  type ModuleMetadata,
} from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { Cron } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  HeldLock,
  LockConfigError,
  LockService,
  Locked,
  RedisLockModule,
  type Lock,
} from 'nestjs-redis-lock';

import { startApp } from './support/app.js';

async function problemsOf(metadata: ModuleMetadata): Promise<readonly string[]> {
  const error: unknown = await startApp({ ...metadata, lock: { ttl: '1s', renew: false } }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LockConfigError);
  return (error as LockConfigError).problems;
}

describe('start', () => {
  it('fails with every fault of every locked method in one error', async () => {
    @Injectable()
    class Jobs {
      @Locked('job', { minHold: '2s' })
      async run(): Promise<void> {}

      async forgotten(@HeldLock() _lock?: Lock): Promise<void> {}
    }
    @Injectable()
    class Others {
      @Locked('other', { minHold: '3s' })
      async run(): Promise<void> {}
    }

    const problems = await problemsOf({
      providers: [Jobs, Others, { provide: 'frozen', useValue: Object.freeze(new Others()) }],
    });

    expect(problems).toEqual([
      '@HeldLock on Jobs.forgotten: the method has no @Locked.',
      expect.stringMatching(/^@Locked on Jobs\.run: minHold \(2000 ms\)/),
      expect.stringMatching(/^@Locked on Others\.run: minHold \(3000 ms\)/),
      expect.stringMatching(/^@Locked on Others\.run: the object is frozen/),
    ]);
  });

  it('never calls a getter of a provider', async () => {
    class Careful {
      get secret(): string {
        throw new Error('was read');
      }
    }

    const { app } = await startApp({ providers: [Careful] });

    expect(app.get(Careful)).toBeInstanceOf(Careful);
  });
});

describe('start, given a part of a key that no call can have', () => {
  const POSITION = 'the position of an argument, such as {0}.';

  it('fails, and says of every method what it is and what to use', async () => {
    @Controller()
    class Orders {
      @Post('orders/:id')
      @SetMetadata('roles', ['admin'])
      @Locked('order:{params.id}:{data.Id}')
      async pay(): Promise<void> {}

      @Locked(['order:{0}', 'user:{headers.X-User}:{ip}'])
      async plain(): Promise<void> {}

      @EventPattern('order')
      @Locked('order:{body.id}')
      async onOrder(_order: unknown): Promise<void> {}
    }
    @Injectable()
    class Jobs {
      @Locked('job:{0}:{data.id}')
      async run(): Promise<void> {}

      @Cron('0 0 1 1 *')
      @Locked('nightly:{user.id}')
      async nightly(): Promise<void> {}

      @Get('jobs/:id')
      @Locked('job:{params.id}')
      async misplaced(): Promise<void> {}
    }
    @WebSocketGateway()
    class Gateway {
      @SubscribeMessage('join')
      @Locked('room:{gql.id}')
      async join(): Promise<void> {}

      @Locked('room:{data.id}')
      async handleConnection(): Promise<void> {}
    }

    const problems = await problemsOf({ controllers: [Orders], providers: [Jobs, Gateway] });

    const unrouted = `Nest routes no request or message to the method. Use ${POSITION}`;
    expect(problems).toEqual([
      '@Locked on Orders.pay: key template "order:{params.id}:{data.Id}" names {data.Id}, which no call of it has: ' +
        `the method is an HTTP handler. Use params, query, body, headers, user, ip or ${POSITION}`,
      `@Locked on Orders.plain: key template "user:{headers.X-User}:{ip}" names {headers.X-User}, which no call of it has: ${unrouted}`,
      `@Locked on Orders.plain: key template "user:{headers.X-User}:{ip}" names {ip}, which no call of it has: ${unrouted}`,
      `@Locked on Orders.onOrder: key template "order:{body.id}" names {body.id}, which no call of it has: the method is an RPC handler. Use data or ${POSITION}`,
      `@Locked on Jobs.run: key template "job:{0}:{data.id}" names {data.id}, which no call of it has: ${unrouted}`,
      `@Locked on Jobs.nightly: key template "nightly:{user.id}" names {user.id}, which no call of it has: ${unrouted}`,
      `@Locked on Jobs.misplaced: key template "job:{params.id}" names {params.id}, which no call of it has: ${unrouted}`,
      `@Locked on Gateway.join: key template "room:{gql.id}" names {gql.id}, which no call of it has: the method is a WebSocket handler. Use data or ${POSITION}`,
      `@Locked on Gateway.handleConnection: key template "room:{data.id}" names {data.id}, which no call of it has: ${unrouted}`,
    ]);
  });

  it('fails for a handler of several kinds only if none has it', async () => {
    @Controller()
    class Orders {
      @Post('orders/:id')
      @MessagePattern('order')
      @Locked('order:{params.id}:{data.id}:{gql.id}')
      async pay(): Promise<void> {}
    }

    expect(await problemsOf({ controllers: [Orders] })).toEqual([
      expect.stringMatching(
        /names \{gql\.id\}, .* is an HTTP handler and an RPC handler\. Use .*, ip, data or the position/,
      ),
    ]);
  });

  it('says so where a test replaced the service', async () => {
    @Injectable()
    class Jobs {
      @Locked('job:{data.id}')
      async run(): Promise<void> {}
    }
    const module = await Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ connection: 'memory' })],
      providers: [Jobs],
    })
      .overrideProvider(LockService)
      .useValue({})
      .compile();

    await expect(module.init()).rejects.toThrow(/Jobs\.run: .* names \{data\.id\}/);
  });
});

describe('start succeeds', () => {
  it('when a controller inherits its handlers, or is a provider as well', async () => {
    abstract class Base {
      @Get('inherited/:id')
      @Locked('order:{params.id}')
      async pay(): Promise<string> {
        return 'paid';
      }
    }
    @Controller()
    class Orders extends Base {}
    const { url } = await startApp({ controllers: [Orders], providers: [Orders] });

    expect(await (await fetch(`${url}/inherited/7`)).text()).toBe('paid');
  });

  it('when a decorator that is not known may be that of a transport', async () => {
    @Injectable()
    class Consumer {
      @SetMetadata('queue:consume', 'orders')
      @Locked('order:{body.id}')
      async consume(): Promise<void> {}
    }
    const { app } = await startApp({ providers: [Consumer] });

    await expect(app.get(Consumer).consume()).rejects.toThrow(/this call has no body/);
  });

  it('when a key names an argument that the method does not declare', async () => {
    @Injectable()
    class Jobs {
      @Locked('job:{1}')
      async run(...ids: string[]): Promise<string[]> {
        return ids;
      }
    }
    const { app } = await startApp({ providers: [Jobs] });

    expect(await app.get(Jobs).run('a', 'b')).toEqual(['a', 'b']);
  });
});
