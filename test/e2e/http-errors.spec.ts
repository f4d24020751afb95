import { describe, expect, it } from '@jest/globals';
import {
  Body,
  Catch,
  Controller,
  Get,
  Headers,
  Injectable,
  NotFoundException,
  Param,
  Post,
  Sse,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import {
  InjectLockService,
  Locked,
  LockError,
  LockLostError,
  LockService,
  LockTimeoutError,
  RedisLockModule,
  getLockServiceToken,
  type RedisLockModuleOptions,
} from 'nestjs-redis-lock';
import { of, type Observable } from 'rxjs';

import { afterTest } from '../support/after-test.js';
import { freePort } from '../support/spawn-redis.mjs';
import { PLATFORMS, startApp, type AppOptions, type TestApp } from './support/app.js';

const NOT_FOUND = new NotFoundException('no such order');

@Injectable()
class Stock {
  constructor(private readonly locks: LockService) {}

  take(sku: string): Promise<string> {
    return this.locks.withLock(`stock:${sku}`, () => sku, { wait: 0 });
  }

  @Locked('shelf:{0}', { wait: 0 })
  async shelve(sku: string): Promise<string> {
    return sku;
  }
}

@Controller()
class Orders {
  constructor(private readonly stock: Stock) {}

  @Get('orders/:id')
  @Locked('order:{params.id}', { wait: 0 })
  pay(@Param('id') id: string): string {
    return `paid ${id}`;
  }

  @Get('fixed')
  @Locked('fixed', { wait: 0 })
  fixed(): string {
    return 'fixed';
  }

  @Get('missing/:id')
  @Locked('order:{params.id}')
  missing(): never {
    throw NOT_FOUND;
  }

  @Post('nested')
  @Locked('user:{body.user.id}')
  nested(@Body() body: { user: { id: string } }): string {
    return body.user.id;
  }

  @Get('tenant')
  @Locked('tenant:{headers.x-tenant}')
  tenant(@Headers('x-tenant') tenant: string): string {
    return tenant;
  }

  @Get('wrong')
  @MessagePattern('right')
  @Locked('wrong:{data.id}')
  wrong(): string {
    return 'unreachable';
  }

  @Get('skus/:sku')
  @Locked('typo:{params.sk}')
  typo(): string {
    return 'unreachable';
  }

  @Get('lost')
  @Locked('lost')
  lost(): never {
    throw new LockLostError(['inner'], 5, 'for the test.');
  }

  @Get('stock/:sku')
  take(@Param('sku') sku: string): Promise<string> {
    return this.stock.take(sku);
  }

  @Get('shelf/:sku')
  shelve(@Param('sku') sku: string): Promise<string> {
    return this.stock.shelve(sku);
  }

  @Sse('events')
  @Locked('events', { wait: 0 })
  events(): Observable<{ data: string }> {
    return of({ data: 'one' });
  }
}

describe.each(PLATFORMS)('lock errors over HTTP on %s', (platform) => {
  const start = (options: Partial<AppOptions> = {}): Promise<TestApp> =>
    startApp({ platform, controllers: [Orders], providers: [Stock], ...options });

  async function holding(app: TestApp, key: string, ttl = 30_000): Promise<void> {
    const lock = await app.locks.acquire(key, { ttl });
    afterTest(() => lock.release());
  }

  async function answer(url: string, init?: RequestInit) {
    const response = await fetch(url, init);
    const text = await response.text();
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text };
  }

  it('answers a busy lock with 423, and with the template instead of the key', async () => {
    const app = await start();
    await holding(app, 'order:secret');

    const { status, retryAfter, text } = await answer(`${app.url}/orders/secret`);

    expect(status).toBe(423);
    expect(retryAfter).toBe('5');
    expect(JSON.parse(text)).toEqual({
      statusCode: 423,
      error: 'Locked',
      message: 'This resource is busy. Try again later.',
      code: 'LOCK_TIMEOUT',
      key: 'order:{params.id}',
    });
    expect(app.log.of('error', 'warn', 'log').join()).not.toContain('secret');
  });

  it('rounds the lease that is left up to whole seconds', async () => {
    const app = await start();
    await holding(app, 'fixed', 1500);

    expect(await answer(`${app.url}/fixed`)).toMatchObject({ status: 423, retryAfter: '2' });
  });

  it('answers with the status of its options', async () => {
    const app = await start({ lock: { http: { status: 409 } } });
    await holding(app, 'fixed');

    const { status, text } = await answer(`${app.url}/fixed`);

    expect(status).toBe(409);
    expect(JSON.parse(text)).toMatchObject({ statusCode: 409, error: 'Conflict', key: 'fixed' });
  });

  it('answers a full queue with 503', async () => {
    const app = await start({ lock: { maxWaiters: 0 } });
    await holding(app, 'tenant:a');

    const { status, retryAfter, text } = await answer(`${app.url}/tenant`, {
      headers: { 'X-Tenant': 'a' },
    });

    expect(status).toBe(503);
    expect(retryAfter).toBe('5');
    expect(JSON.parse(text)).toMatchObject({ code: 'LOCK_QUEUE_FULL' });
  });

  it('answers an outage with 503, and tells nothing of Redis', async () => {
    const connection = `redis://admin:password1@127.0.0.1:${await freePort()}`;
    const lock: Partial<RedisLockModuleOptions> = { connection, wait: 50, commandTimeout: 50 };
    const app = await start({ lock });

    const { status, retryAfter, text } = await answer(`${app.url}/tenant`, {
      headers: { 'X-Tenant': 'a' },
    });

    expect(status).toBe(503);
    expect(retryAfter).toBe('1');
    expect(JSON.parse(text)).toEqual({
      statusCode: 503,
      error: 'Service Unavailable',
      message: 'This service is unavailable for the moment. Try again later.',
      code: 'LOCK_UNAVAILABLE',
      key: 'tenant:{headers.x-tenant}',
    });
    expect(JSON.stringify(app.log.lines)).not.toContain('password1');
  });

  it('answers a closing application with 503', async () => {
    const app = await start();
    await app.locks.shutdown();

    const { status, retryAfter, text } = await answer(`${app.url}/fixed`);

    expect(status).toBe(503);
    expect(retryAfter).toBeNull();
    expect(JSON.parse(text)).toMatchObject({ code: 'LOCK_SHUTDOWN' });
  });

  it('answers the same for a service in an undecorated route', async () => {
    const app = await start();
    await holding(app, 'stock:secret');
    await holding(app, 'shelf:secret');

    const plain = await answer(`${app.url}/stock/secret`);
    const decorated = await answer(`${app.url}/shelf/secret`);

    expect(plain).toMatchObject({ status: 423, retryAfter: '5' });
    expect(JSON.parse(plain.text)).toEqual({
      statusCode: 423,
      error: 'Locked',
      message: 'This resource is busy. Try again later.',
      code: 'LOCK_TIMEOUT',
      key: '',
    });
    expect(decorated).toMatchObject({ status: 423, retryAfter: '5' });
    expect(JSON.parse(decorated.text)).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'shelf:{0}' });
  });

  it.each([
    ['{}', 'This request lacks body.user.id.'],
    ['{"user":{"id":null}}', 'This request lacks body.user.id.'],
    ['{"user":{"id":""}}', 'This request lacks body.user.id.'],
    ['{"user":{"id":{}}}', 'In this request body.user.id is an object; one value is needed.'],
    ['{"user":{"id":["7"]}}', 'In this request body.user.id is an array; one value is needed.'],
    [`{"user":{"id":"${'7'.repeat(513)}"}}`, 'In this request body.user.id is too long.'],
  ])(
    'answers 400 when the request lacks a part of the key, or has it wrong: %.60s',
    async (body, message) => {
      const app = await start();

      const { status, text } = await answer(`${app.url}/nested`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });

      expect(JSON.parse(text)).toEqual({
        statusCode: 400,
        error: 'Bad Request',
        message,
        code: 'LOCK_KEY',
        key: 'user:{body.user.id}',
      });
      expect(status).toBe(400);
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it('answers 500 and logs when the key can never be made', async () => {
    const app = await start();

    const { status, text } = await answer(`${app.url}/wrong`);

    expect(status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: 'LOCK_KEY', key: 'wrong:{data.id}' });
    expect(app.log.of('error').join()).toContain('this call has no data');
  });

  it('answers 500 and logs when the route has no such parameter', async () => {
    const app = await start();

    const { status, text } = await answer(`${app.url}/skus/7`);

    expect(status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: 'LOCK_KEY', key: 'typo:{params.sk}' });
    expect(app.log.of('error').join()).toContain('params.sk is missing');
  });

  it('answers 500 to a lost lock', async () => {
    const app = await start();

    const { status, text } = await answer(`${app.url}/lost`);

    expect(status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: 'LOCK_LOST', statusCode: 500 });
  });

  it('sends one error event to a client of server-sent events', async () => {
    const app = await start();
    await holding(app, 'events');

    const { status, text } = await answer(`${app.url}/events`);

    expect(status).toBe(200);
    expect(text).toMatch(
      /^event: error\nid: 1\ndata: This resource is busy\. Try again later\.\n\n$/m,
    );
  });

  it('passes any other exception through, the same instance', async () => {
    const caught: unknown[] = [];
    @Catch()
    class Recorder extends BaseExceptionFilter {
      override catch(thrown: unknown, host: ArgumentsHost): void {
        caught.push(thrown);
        // oxlint-disable-next-line promise/valid-params -- a filter, no promise
        super.catch(thrown, host);
      }
    }
    const app = await start({ providers: [Stock, { provide: APP_FILTER, useClass: Recorder }] });

    const { status, text } = await answer(`${app.url}/missing/7`);

    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({ message: 'no such order' });
    expect(caught[0]).toBe(NOT_FOUND);
  });

  it('answers with the status of the module that the error comes from', async () => {
    @Controller()
    class Routes {
      constructor(
        private readonly locks: LockService,
        @InjectLockService('inventory') private readonly inventory: LockService,
        @InjectLockService('silent') private readonly silent: LockService,
      ) {}

      @Get('plain/:name')
      async plain(@Param('name') name: string): Promise<void> {
        const locks = { default: this.locks, inventory: this.inventory, silent: this.silent }[name];
        await locks?.withLock('job', () => locks.withLock('other', () => {}, { wait: 0 }));
      }

      @Get('locked')
      @Locked('other', { service: 'inventory', wait: 0 })
      locked(): void {}
    }
    const other = { connection: 'memory', shutdownTimeout: 0 } as const;
    const { url, app } = await start({
      controllers: [Routes],
      imports: [
        RedisLockModule.forRoot({ ...other, name: 'inventory', http: { status: 409 } }),
        RedisLockModule.forRoot({ ...other, name: 'silent', http: false }),
      ],
    });
    for (const name of [undefined, 'inventory', 'silent']) {
      const lock = await app.get<LockService>(getLockServiceToken(name)).acquire('other');
      afterTest(() => lock.release());
    }

    expect((await answer(`${url}/plain/default`)).status).toBe(423);
    expect((await answer(`${url}/plain/inventory`)).status).toBe(409);
    expect((await answer(`${url}/locked`)).status).toBe(409);
    expect((await answer(`${url}/plain/silent`)).status).toBe(500);
  });

  it('leaves lock errors alone with http: false', async () => {
    const app = await start({ lock: { http: false } });
    await holding(app, 'fixed');

    const { status, text } = await answer(`${app.url}/fixed`);

    expect(status).toBe(500);
    expect(JSON.parse(text)).toEqual({ statusCode: 500, message: 'Internal server error' });
  });

  describe('with a filter of the application', () => {
    const send = (host: ArgumentsHost, status: number, body: object): void => {
      const response = host.switchToHttp().getResponse();
      response.status(status).send(body);
    };
    @Catch(LockTimeoutError)
    class BusyFilter implements ExceptionFilter<LockTimeoutError> {
      catch(error: LockTimeoutError, host: ArgumentsHost): void {
        send(host, 409, { mine: error.key });
      }
    }
    @Catch(LockError)
    class AnyLockFilter implements ExceptionFilter<LockError> {
      catch(error: LockError, host: ArgumentsHost): void {
        send(host, 409, { mine: error.code });
      }
    }
    @Catch()
    class CatchAll implements ExceptionFilter<Error> {
      catch(error: Error, host: ArgumentsHost): void {
        send(host, 418, { mine: error.name });
      }
    }

    it.each([
      ['APP_FILTER', { provider: BusyFilter }, { mine: 'order:7' }, { mine: 'stock:7' }],
      [
        'useGlobalFilters',
        { global: AnyLockFilter },
        { mine: 'LOCK_TIMEOUT' },
        { mine: 'LOCK_TIMEOUT' },
      ],
      [
        'a catch-all',
        { global: CatchAll },
        { mine: 'LockTimeoutError' },
        { mine: 'LockTimeoutError' },
      ],
    ])('registered by %s: it wins', async (_, how, decorated, plain) => {
      const { provider, global } = how as {
        provider?: typeof BusyFilter;
        global?: typeof CatchAll;
      };
      const app = await start({
        providers: [Stock, ...(provider ? [{ provide: APP_FILTER, useClass: provider }] : [])],
        ...(global && { before: (nest) => nest.useGlobalFilters(new global()) }),
      });
      await holding(app, 'order:7');
      await holding(app, 'stock:7');

      expect(JSON.parse((await answer(`${app.url}/orders/7`)).text)).toEqual(decorated);
      expect(JSON.parse((await answer(`${app.url}/stock/7`)).text)).toEqual(plain);
    });

    it('registered on a route: it wins there', async () => {
      @Controller()
      class Routes {
        @Get('mine')
        @UseFilters(BusyFilter)
        @Locked('mine', { wait: 0 })
        mine(): string {
          return 'free';
        }
      }
      const app = await start({ controllers: [Orders, Routes] });
      await holding(app, 'mine');
      await holding(app, 'fixed');

      expect(await answer(`${app.url}/mine`)).toMatchObject({
        status: 409,
        text: '{"mine":"mine"}',
      });
      expect(await answer(`${app.url}/fixed`)).toMatchObject({ status: 423 });
    });
  });
});
